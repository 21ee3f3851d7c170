import { Button, type ButtonProps, Menu, type MenuItemProps } from '@mantine/core';
import { createLink } from '@tanstack/react-router';
import type { AnchorHTMLAttributes, Ref } from 'react';

type AnchorProps = Omit<AnchorHTMLAttributes<HTMLAnchorElement>, keyof ButtonProps> & {
  ref?: Ref<HTMLAnchorElement>;
  'data-testid'?: string;
};

function AnchorButton(props: ButtonProps & AnchorProps) {
  return <Button component="a" {...props} />;
}

function AnchorItem(props: MenuItemProps & AnchorProps) {
  return <Menu.Item component="a" {...props} />;
}

/** A button, and an entry of a menu, that lead to a page of ours: address and search parameters are checked. */
export const LinkButton = createLink(AnchorButton);
export const LinkItem = createLink(AnchorItem);
