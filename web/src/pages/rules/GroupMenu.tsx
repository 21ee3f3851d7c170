import { ActionIcon, Menu } from '@mantine/core';
import { IconDots, IconFlask, IconMaskOff, IconPlayerPause, IconPlayerPlay, IconTrash } from '@tabler/icons-react';
import { useTranslation } from 'react-i18next';
import type { RuleChange } from '@/api/rules';
import type { RuleGroup } from '@/api/types';
import { LinkItem } from '@/components/links';
import { hasShadow } from './condition';

/** What an operator may do to a group. One that comes from a file can only be tried. */
export function GroupMenu({ group, onChange }: { group: RuleGroup; onChange: (change: RuleChange) => void }) {
  const { t } = useTranslation();
  const own = group.origin === 'api';
  return (
    <Menu position="bottom-end" withInitialFocusPlaceholder={false} width="max-content">
      <Menu.Target>
        <ActionIcon
          variant="subtle"
          color="gray"
          size="lg"
          data-testid="group-actions"
          aria-label={t('rules.actions', { name: group.name })}
        >
          <IconDots size="1.125rem" color="var(--text-2)" />
        </ActionIcon>
      </Menu.Target>
      <Menu.Dropdown maw="20rem">
        <LinkItem
          to="/rules/try"
          search={{ name: group.name }}
          data-testid="group-try"
          leftSection={<IconFlask size="1rem" />}
        >
          {t('rules.action.tryOut')}
        </LinkItem>
        {!own && <Menu.Label>{t('rules.action.fileOnly')}</Menu.Label>}
        {own && (
          <>
            {hasShadow(group) && (
              <Menu.Item
                data-testid="group-promote"
                leftSection={<IconMaskOff size="1rem" />}
                onClick={() => onChange({ kind: 'promote', group, rule: null })}
              >
                {t('rules.action.promoteGroup')}
              </Menu.Item>
            )}
            <Menu.Item
              data-testid={group.enabled ? 'group-disable' : 'group-enable'}
              leftSection={group.enabled ? <IconPlayerPause size="1rem" /> : <IconPlayerPlay size="1rem" />}
              onClick={() => onChange({ kind: group.enabled ? 'disable' : 'enable', group })}
            >
              {group.enabled ? t('rules.action.disable') : t('rules.action.enable')}
            </Menu.Item>
            <Menu.Divider />
            <Menu.Item
              data-testid="group-delete"
              color="var(--bad)"
              leftSection={<IconTrash size="1rem" />}
              onClick={() => onChange({ kind: 'delete', group })}
            >
              {t('rules.action.delete')}
            </Menu.Item>
          </>
        )}
      </Menu.Dropdown>
    </Menu>
  );
}
