/** What the text begins with: a rule over what Pantau measures itself, so that it can be run as it is. */
export const EXAMPLE = `groups:
  - name: trial
    interval: 1m
    rules:
      - alert: HighCPU
        expr: cpu_usage > 80
        for: 5m
        severity: warning
        message: "CPU usage is {{ $value | printf \\"%.1f\\" }} %"
`;
