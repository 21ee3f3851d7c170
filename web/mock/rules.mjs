// Development only, never part of the build: rule groups in every state, and an alert in full.

const iso = (time) => new Date(time).toISOString();

const rule = (name, expr, more = {}) => ({
  kind: 'alert',
  name,
  expr,
  for_seconds: 0,
  keep_firing_for_seconds: 0,
  severity: 'warning',
  message: null,
  cooldown: 0,
  shadow: false,
  labels: {},
  annotations: {},
  problem: null,
  ...more,
});

const status = (now, more = {}) => ({
  state: 'active',
  reason: null,
  version: 1,
  last_instant: iso(now - 4000),
  evaluation_seconds: 0.0021,
  pending: 0,
  firing: 0,
  series: 12,
  unknown_instants: 0,
  late_samples: 0,
  reads: [],
  problems: [],
  problem_count: 0,
  told_at: iso(now - 4000),
  worker: 'noc-jakarta-1:alerting',
  ...more,
});

const group = (now, name, rules, told = {}, more = {}) => ({
  name,
  version: 1,
  origin: 'api',
  immediate: false,
  enabled: true,
  interval_seconds: 15,
  query_offset_seconds: 0,
  limit: 0,
  updated_by: 'admin',
  updated_at: iso(now - 86_400_000),
  rules,
  status: status(now, told),
  ...more,
});

/** One group in each state that the page tells apart. */
export function groups(now) {
  const problem = 'found duplicate series for the match group {} on the right hand-side of the operation';
  return [
    group(now, 'billing', [rule('SlowBilling', 'billing_latency_seconds > 2', { for_seconds: 300 })], { firing: 1 }),
    group(now, 'broken', [rule('ManyToMany', 'a * on() a > 0', { problem })], {
      problems: [{ place: 0, rule: 'ManyToMany', reason: problem }],
      problem_count: 1,
    }),
    group(now, 'files', [rule('HighCPU', 'cpu_usage > 80', { severity: 'critical' })], {}, { origin: 'file' }),
    group(now, 'filling', [rule('Long', 'max_over_time(x[3d]) > 5')], { state: 'filling', last_instant: null }),
    group(now, 'off', [rule('Off', 'up == 0')], { state: 'disabled', version: null }, { enabled: false }),
    group(now, 'on-trial', [rule('Trial', 'cpu_usage > 1', { shadow: true, severity: 'info' })], { pending: 2 }),
    group(now, 'refused', [rule('Cycle', 'ALERTS{alertname="Cycle"} > 0')], {
      state: 'refused',
      reason: 'it reads what itself makes: refused -> totals -> refused',
    }),
    group(now, 'silent', [rule('Silent', 'up == 0')], { state: 'unknown', told_at: iso(now - 300_000) }),
  ];
}

/** An alert in full: one series, 30 samples, told to two receivers, one of which failed at first. */
export function detail(alert) {
  const fired = Date.parse(alert.created_at);
  const samples = Array.from({ length: 30 }, (_, index) => ({
    time: iso(fired - (29 - index) * 5000),
    value: 60 + index * 2.2 + 6 * Math.sin(index),
    late: index === 20,
  }));
  const origin = { partition: 3, offset: 18_211, accepted_at: iso(fired + 3) };
  const delivery = (id, receiver, channel, state, attempt, after, reason = null) => ({
    notification_id: id,
    receiver,
    channel,
    state,
    attempt,
    at: iso(fired + after),
    reason,
    latency_ms: state === 'sent' ? after : null,
    destination: `${receiver}/${channel}/0`,
    occasion: 'change',
    told: 'firing',
    muted_by: [],
    muted_since: null,
    muted_until: null,
    untold: [],
  });
  const held = {
    ...delivery('m1', '', '', 'planned', 0, 60),
    muted_by: ['dependency:mikrotik:edge-1'],
    muted_since: iso(fired + 60),
    muted_until: iso(fired + 200_060),
    untold: ['night/email/0'],
  };
  const deliveries = [
    held,
    delivery('n1', 'on-call', 'whatsapp', 'failed', 1, 420, 'HTTP 502 from the gateway'),
    delivery('n1', 'on-call', 'whatsapp', 'sent', 2, 5600),
    delivery('n2', 'owner', 'email', 'sent', 1, 900),
  ];
  const step = (what, at, more = {}) => ({
    at: iso(at),
    what,
    transition: 1,
    state: 'firing',
    receiver: null,
    channel: null,
    attempt: null,
    reason: null,
    muted_by: [],
    muted_until: null,
    ...more,
  });
  const transition = {
    id: `${alert.id}-1`,
    transition: 1,
    state: 'firing',
    previous_state: 'inactive',
    instant: alert.created_at,
    decided_at: iso(fired + 40),
    told_at: iso(fired + 55),
    late_ms: 185_000,
    value: alert.value,
    threshold: 100,
    for_seconds: 0,
    expr: alert.expr,
    rule_version: 'efbf657e110a4f2f9d0a6f3c1a2b3c4d',
    group_version: 1,
    severity: alert.severity,
    message: alert.message,
    annotations: {},
    shadow: false,
    evidence: {
      series: [{ series: 'custom_metric{type="business"}', samples, total_samples: 212, ...origin }],
      total_series: 1,
      late_samples: 1,
      topic: 'pantau.samples',
      taken_at: alert.created_at,
      ...origin,
    },
    deliveries,
  };
  return {
    alert: { ...alert, shadow: false },
    rule: {
      group: alert.group,
      name: alert.name,
      expr: alert.expr,
      rule_version: transition.rule_version,
      group_version: 1,
      now: 'changed',
    },
    fingerprint: 'b3ae2d1ff678c47e',
    transitions: [transition],
    timeline: [
      step('taken', fired),
      step('accepted', fired + 3),
      step('decided', fired + 40),
      step('told', fired + 55),
      ...deliveries.map(({ state, at, receiver, channel, attempt, reason, muted_by, muted_until }) =>
        step(state, Date.parse(at), { receiver, channel, attempt, reason, muted_by, muted_until }),
      ),
    ].sort((a, b) => a.at.localeCompare(b.at)),
    source: 'history',
    note: null,
  };
}
