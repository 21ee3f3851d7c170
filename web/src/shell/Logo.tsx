/** The mark of Pantau: an eye that watches a pulse. Decorative; the name stands beside it. */
export function Logo({ size = '1.75rem' }: { size?: string }) {
  return (
    <svg viewBox="0 0 32 32" width={size} height={size} aria-hidden="true" focusable="false" style={{ flex: 'none' }}>
      <rect width="32" height="32" rx="8" fill="var(--mantine-color-teal-7)" />
      <g fill="none" stroke="#fff" strokeLinecap="round" strokeLinejoin="round">
        <path
          d="M4 16.5c3.2-5.2 7.3-7.8 12-7.8s8.8 2.6 12 7.8c-3.2 5.2-7.3 7.8-12 7.8S7.2 21.7 4 16.5Z"
          strokeWidth="2.2"
        />
        <path d="M9.5 16.6h3.6l1.9-4 2.4 7.6 1.8-3.6h3.3" strokeWidth="2" />
      </g>
    </svg>
  );
}
