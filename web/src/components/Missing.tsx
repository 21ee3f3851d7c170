import { Text } from '@mantine/core';
import { MISSING } from '@/format/number';

/** A value that does not exist, never shown as zero, and why. */
export function Missing({ reason }: { reason: string }) {
  return (
    <>
      <Text component="span" inherit c="dimmed" aria-hidden>
        {MISSING}
      </Text>
      <Text size="xs" c="dimmed" fw={400} lh={1.35} lts="0">
        {reason}
      </Text>
    </>
  );
}
