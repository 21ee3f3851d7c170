import { Menu, Text, UnstyledButton } from '@mantine/core';
import { IconLogout, IconUserCircle } from '@tabler/icons-react';
import { useMutation, useQueryClient } from '@tanstack/react-query';
import { useNavigate } from '@tanstack/react-router';
import { useTranslation } from 'react-i18next';
import { sessionQuery, signOut } from '@/api/session';
import type { Session } from '@/api/types';
import classes from './Shell.module.css';

export function UserMenu({ session }: { session: Session }) {
  const { t } = useTranslation();
  const queries = useQueryClient();
  const navigate = useNavigate();
  const leaving = useMutation({
    mutationFn: signOut,
    onSuccess: async () => {
      queries.setQueryData(sessionQuery.queryKey, null);
      await navigate({ to: '/login' });
      // What one user saw is not there for the next one.
      queries.removeQueries({ queryKey: ['monitoring'] });
    },
  });
  return (
    <Menu position="bottom-end" withInitialFocusPlaceholder={false}>
      <Menu.Target>
        <UnstyledButton
          className={classes.user}
          data-testid="user-menu"
          aria-label={`${t('session.menu', { username: session.username })}, ${t(`session.role.${session.role}`)}`}
        >
          <IconUserCircle size="1.375rem" stroke={1.6} aria-hidden />
          <span className={classes.userText}>
            <span className={classes.userName}>{session.username}</span>
            <span className={classes.userRole}>{t(`session.role.${session.role}`)}</span>
          </span>
        </UnstyledButton>
      </Menu.Target>
      <Menu.Dropdown>
        <Menu.Label>
          {session.username} · {t(`session.role.${session.role}`)}
        </Menu.Label>
        <Menu.Item
          data-testid="sign-out"
          leftSection={<IconLogout size="1rem" />}
          closeMenuOnClick={false}
          disabled={leaving.isPending}
          onClick={() => leaving.mutate()}
        >
          {t('action.signOut')}
        </Menu.Item>
        {leaving.isError && (
          <Text role="alert" size="xs" px="sm" pb="xs" maw={220}>
            {t('session.signOutFailed')}
          </Text>
        )}
      </Menu.Dropdown>
    </Menu>
  );
}
