// Development only, never part of the build: values for the page to show, the same at every start.

const GIB = 1024 ** 3;
const started = Date.now() - 3.2 * 86_400_000;

/** A smooth, repeatable wave in 0..1 for an instant in ms. */
function wave(time, period, phase = 0) {
  const turn = (time / 1000 / period + phase) * 2 * Math.PI;
  return 0.5 + 0.32 * Math.sin(turn) + 0.18 * Math.sin(2.7 * turn + 1);
}

const iso = (time) => new Date(time).toISOString().replace(/\.\d+Z$/, 'Z');

export function system(now, load) {
  const memory = 58 + 6 * wave(now, 700) + load * 10;
  return {
    host: 'noc-jakarta-1',
    cpu_usage: Math.min(99, 22 + 25 * wave(now, 240) + load * 45),
    memory_usage: memory,
    memory_total: 23.4 * GIB,
    memory_used: (23.4 * GIB * memory) / 100,
    disk_usage: 83.2,
    disk_total: 480 * GIB,
    disk_used: 480 * GIB * 0.832,
    network_rx: 1.2e6 * wave(now, 90),
    network_tx: 4.4e5 * wave(now, 70),
    load_average: [0.42 + load, 0.51 + load, 0.6],
    uptime_seconds: (now - started) / 1000,
    process_count: 214,
    snapshot_time: iso(now),
  };
}

export function health(now, state) {
  const check = (status, response_time, details = {}) => ({
    status,
    response_time,
    details,
    checked_at: iso(now - 4000),
    stale: false,
    found: null,
    depends_on: [],
    unhealthy_parents: [],
  });
  const checks = {
    database: state.databaseDown
      ? check('unhealthy', 5000, { error: 'No connection within 5 s: connection refused on 127.0.0.1:15432' })
      : check('healthy', 2.4 + wave(now, 60), { connected: true, version: '18.6' }),
    disk_space: check('degraded', 0.31, { used: '399.4GB', total: '480.0GB', percent: 83.2, mountpoint: '/' }),
    memory: check('healthy', 0.08, { used: '14120MB', total: '23960MB', percent: 58.9 }),
    kafka: {
      ...check('healthy', 7.9, { connected: true, brokers: 1, brokers_answering: 1, topics: 13 }),
      ...(state.kafkaStale ? { stale: true, status: 'unknown', checked_at: iso(now - 240_000) } : {}),
    },
  };
  const order = ['healthy', 'unknown', 'degraded', 'unhealthy'];
  const status = Object.values(checks).reduce(
    (worst, { status }) => (order.indexOf(status) > order.indexOf(worst) ? status : worst),
    'healthy',
  );
  return { status, checks, timestamp: iso(now) };
}

export function metrics(now, state) {
  return {
    timestamp: iso(now),
    system: system(now, state.load),
    application: {
      response_time_ms: 14.2,
      request_rate_per_minute: 42,
      error_rate_percent: 0.4,
      active_connections: 3,
    },
    business: {
      daily_revenue: state.business ? 18_450_000 : null,
      active_subscriptions: null,
      conversion_rate: null,
      customer_growth: null,
    },
    active_users: { hotspot: state.business ? 1284 : null, pppoe: state.business ? 3417 : null },
    performance: { response_times: [], request_rates: [] },
  };
}

const SECONDS = { m: 60, h: 3600, d: 86_400 };

export function performance(now, metric, period, state) {
  const seconds = Number.parseInt(period, 10) * (SECONDS[period.at(-1)] ?? 60);
  const step = Math.max(15, Math.round(seconds / 60 / 15) * 15);
  const timestamps = [];
  const values = [];
  const end = Math.floor(now / 1000 / step) * step;
  for (let time = end - seconds + step; time <= end; time += step) {
    timestamps.push(iso(time * 1000));
    // A gap, as when the process was away.
    const age = (end - time) / seconds;
    const gone = state.empty || (age > 0.52 && age < 0.58);
    const base = wave(time * 1000, seconds / 3) + 0.25 * wave(time * 1000, seconds / 17);
    values.push(
      gone ? null : metric === 'response_time' ? 8 + 14 * base + (age < 0.1 ? 30 * state.load : 0) : 25 + 60 * base,
    );
  }
  return { metric, unit: metric === 'response_time' ? 'ms' : '1/min', period, step_seconds: step, timestamps, values };
}

let episode = 0;

export function alert(now, values) {
  episode += 1;
  const created = now - (values.ageSeconds ?? 0) * 1000;
  return {
    id: `episode-${episode}`,
    alert_id: values.alert_id ?? `alert-${episode}`,
    name: values.name ?? 'custom_alert',
    group: values.group ?? 'default',
    severity: values.severity ?? 'warning',
    message: values.message ?? 'Custom metric threshold exceeded',
    status: values.status ?? 'firing',
    created_at: iso(created),
    resolved_at: values.status === 'resolved' ? iso(created + (values.lastedSeconds ?? 180) * 1000) : null,
    value: values.value ?? 123,
    labels: values.labels ?? { type: 'business' },
    annotations: {},
    expr: values.expr ?? 'custom_metric > 100',
    muted_by: values.muted_by ?? [],
    shadow: values.shadow ?? false,
  };
}

export function resolve(now, known) {
  return { ...known, status: 'resolved', resolved_at: iso(now) };
}
