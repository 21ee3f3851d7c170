import type { en } from './en';

type Texts<T> = T extends string ? string : { [K in keyof T as PluralOfOne<K> extends true ? never : K]: Texts<T[K]> };

/** Indonesian has no singular form of its own, so it may leave the `_one` keys out. */
type PluralOfOne<K> = K extends `${string}_one` ? true : false;

/** What every language has to say, taken from the English texts: a missing or misspelt key does not compile. */
export type Translation = Texts<typeof en>;
