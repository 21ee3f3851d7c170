import { Group, Paper, Stack, Text, Title } from '@mantine/core';
import { useDocumentTitle } from '@mantine/hooks';
import { useTranslation } from 'react-i18next';
import { LanguageSwitch } from '@/shell/LanguageSwitch';
import { Logo } from '@/shell/Logo';
import { SchemeSwitch } from '@/shell/SchemeSwitch';
import { LoginForm } from './LoginForm';
import classes from './LoginPage.module.css';
import { loginRoute } from './route';

export function LoginPage() {
  const { t } = useTranslation();
  const { from, expired } = loginRoute.useSearch();
  useDocumentTitle(`${t('login.title')} · ${t('app.name')}`);
  return (
    <main className={classes.page}>
      <Group className={classes.tools} gap="xs">
        <LanguageSwitch />
        <SchemeSwitch />
      </Group>
      <Paper className={classes.card} radius="lg">
        <Stack gap="lg">
          <Group gap="sm" wrap="nowrap">
            <Logo size="2.5rem" />
            <div>
              <Text fw={650} size="lg" lh={1.2}>
                {t('app.name')}
              </Text>
              <Text size="sm" c="dimmed">
                {t('app.tagline')}
              </Text>
            </div>
          </Group>
          <Title order={1} size="h3">
            {t('login.title')}
          </Title>
          <LoginForm to={from ?? '/'} expired={expired === true} />
        </Stack>
      </Paper>
    </main>
  );
}
