import { Button, Center, Stack, Text, Title } from '@mantine/core';
import { Link } from '@tanstack/react-router';
import { useTranslation } from 'react-i18next';

export function NotFound() {
  const { t } = useTranslation();
  return (
    <Center mih="60dvh" p="md">
      <Stack align="center" gap="sm">
        <Title order={1} size="h3">
          {t('page.notFound')}
        </Title>
        <Text c="dimmed">{t('page.notFoundText')}</Text>
        <Button component={Link} to="/">
          {t('page.toOverview')}
        </Button>
      </Stack>
    </Center>
  );
}
