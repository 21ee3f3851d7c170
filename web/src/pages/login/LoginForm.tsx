import { Alert, Button, PasswordInput, Stack, TextInput, VisuallyHidden } from '@mantine/core';
import { IconAlertCircle, IconInfoCircle } from '@tabler/icons-react';
import { useMutation, useQueryClient } from '@tanstack/react-query';
import { useRouter } from '@tanstack/react-router';
import { type FormEvent, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { sessionQuery, signIn } from '@/api/session';
import { useLoginError } from './useLoginError';

type Missing = { username: boolean; password: boolean };

export function LoginForm({ to, expired }: { to: string; expired: boolean }) {
  const { t } = useTranslation();
  const queries = useQueryClient();
  const router = useRouter();
  const [missing, setMissing] = useState<Missing>({ username: false, password: false });
  const login = useMutation({
    mutationFn: ({ username, password }: { username: string; password: string }) => signIn(username, password),
    onSuccess: (session) => {
      queries.setQueryData(sessionQuery.queryKey, session);
      router.history.replace(to);
    },
  });
  const { text, spoken, waiting } = useLoginError(login.error, login.submittedAt);

  function submit(event: FormEvent<HTMLFormElement>) {
    event.preventDefault();
    const form = new FormData(event.currentTarget);
    const username = String(form.get('username') ?? '').trim();
    const password = String(form.get('password') ?? '');
    setMissing({ username: username === '', password: password === '' });
    if (username !== '' && password !== '') login.mutate({ username, password });
  }

  return (
    <form onSubmit={submit} noValidate>
      <Stack gap="md">
        {expired && !login.isError && (
          <Alert variant="default" icon={<IconInfoCircle />} data-testid="login-expired" role="status">
            {t('login.expired')}
          </Alert>
        )}
        {text !== null && (
          <Alert
            variant="default"
            icon={<IconAlertCircle color="var(--bad-mark)" />}
            styles={{ root: { borderColor: 'var(--bad-mark)', background: 'var(--bad-tint)' } }}
            data-testid="login-error"
          >
            <span aria-hidden={waiting}>{text}</span>
            {waiting && <VisuallyHidden>{spoken}</VisuallyHidden>}
          </Alert>
        )}
        <TextInput
          name="username"
          label={t('login.username')}
          autoComplete="username"
          autoCapitalize="none"
          autoCorrect="off"
          spellCheck={false}
          autoFocus
          error={missing.username ? t('login.usernameMissing') : null}
          data-testid="login-username"
        />
        <PasswordInput
          name="password"
          label={t('login.password')}
          autoComplete="current-password"
          error={missing.password ? t('login.passwordMissing') : null}
          data-testid="login-password"
        />
        <Button type="submit" fullWidth loading={login.isPending} disabled={waiting} data-testid="login-submit">
          {t('login.submit')}
        </Button>
      </Stack>
    </form>
  );
}
