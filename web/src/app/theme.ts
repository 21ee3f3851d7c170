import { createTheme, type MantineColorsTuple } from '@mantine/core';

const teal: MantineColorsTuple = [
  '#e9f7f5',
  '#d2ece8',
  '#a5d9d1',
  '#74c4b9',
  '#4ab3a5',
  '#2ba293',
  '#178b7d',
  '#0f766e',
  '#115e59',
  '#134e4a',
];

const slate: MantineColorsTuple = [
  '#e8ebf0',
  '#c5ccd6',
  '#9fa9b8',
  '#7b8697',
  '#3a4351',
  '#2c3441',
  '#1b212b',
  '#141920',
  '#0f1319',
  '#0a0d12',
];

export const theme = createTheme({
  colors: { teal, dark: slate },
  primaryColor: 'teal',
  primaryShade: { light: 7, dark: 7 },
  white: '#ffffff',
  black: '#17202c',
  fontFamily: "'Inter Variable', system-ui, -apple-system, 'Segoe UI', Roboto, 'Noto Sans', sans-serif",
  headings: { fontWeight: '600' },
  defaultRadius: 'md',
  cursorType: 'pointer',
  respectReducedMotion: true,
});
