import { expect, it } from 'vitest';
import { en } from '@/i18n/en';
import { id } from '@/i18n/id';

type Texts = { readonly [key: string]: string | Texts };

function flatten(texts: Texts, prefix = ''): [string, string][] {
  return Object.entries(texts).flatMap(([key, value]) =>
    typeof value === 'string' ? [[`${prefix}${key}`, value] as [string, string]] : flatten(value, `${prefix}${key}.`),
  );
}

const english = new Map(flatten(en));

it.each(flatten(id))('Indonesian %s takes the same values as the English text', (key, text) => {
  const placeholders = (of: string) => [...of.matchAll(/\{\{(\w+)\}\}/g)].map(([, name]) => name).sort();
  expect(placeholders(text)).toEqual(placeholders(english.get(key) ?? ''));
});
