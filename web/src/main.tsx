import './styles/mantine.css';
import './styles/tokens.css';
import { StrictMode } from 'react';
import { createRoot } from 'react-dom/client';
import { App } from './app/App';
import { createQueryClient } from './app/queryClient';
import { reloadOnNewVersion } from './app/reloadOnNewVersion';
import { createAppRouter } from './app/router';
import { startTranslation } from './i18n/i18n';

const root = document.getElementById('root');
if (root === null) throw new Error('index.html has no element with the id "root"');

reloadOnNewVersion();
await startTranslation();
const queries = createQueryClient();
createRoot(root).render(
  <StrictMode>
    <App queries={queries} router={createAppRouter(queries)} />
  </StrictMode>,
);
