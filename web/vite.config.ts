import { fileURLToPath } from 'node:url';
import react from '@vitejs/plugin-react';
import { defineConfig } from 'vitest/config';

// Where the development server finds the API: a running Pantau, or `npm run mock`.
const api = process.env.PANTAU_API ?? 'http://127.0.0.1:8080';

export default defineConfig({
  plugins: [react()],
  resolve: { alias: { '@': fileURLToPath(new URL('./src', import.meta.url)) } },
  server: { host: '127.0.0.1', port: 5173, proxy: { '/api': api } },
  build: {
    target: 'es2022',
    // The Content-Security-Policy has no `data:`: nothing may be inlined as a data URL.
    assetsInlineLimit: 0,
    rolldownOptions: {
      output: {
        // Libraries change rarely: their own file stays in the browser's cache when only Pantau changes.
        codeSplitting: {
          groups: [
            { name: 'react', test: /node_modules[\\/](react|react-dom|scheduler)[\\/]/ },
            {
              name: 'libraries',
              test: /node_modules[\\/](@mantine|@floating-ui|@tanstack|i18next|react-i18next)[\\/]/,
            },
          ],
        },
      },
    },
  },
  test: { include: ['test/**/*.test.ts'], environment: 'node' },
});
