// Development only: Pantau's API from a simulation, and the built page, with the headers of the real one.
// `npm run mock`, then `PANTAU_API=http://127.0.0.1:8090 npm run dev`. Sign in as admin / pantau.
// POST /mock/state changes what it shows: {"load":1, "databaseDown":true, "down":503, "empty":true, "session":false, ...};
// POST /mock/alert raises an alert from its fields; POST /mock/resolve {"alert_id": ...} resolves it;
// POST /mock/muting {episode's id: [what mutes it]} mutes alerts.

import { readFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import { extname, join, normalize } from 'node:path';
import { fileURLToPath } from 'node:url';
import * as rules from './rules.mjs';
import * as simulation from './simulation.mjs';

const port = Number(process.env.PORT ?? 8090);
const dist = fileURLToPath(new URL('../dist', import.meta.url));
const TYPES = {
  '.html': 'text/html',
  '.js': 'text/javascript',
  '.css': 'text/css',
  '.svg': 'image/svg+xml',
  '.woff2': 'font/woff2',
};

const state = {
  load: 0,
  databaseDown: false,
  kafkaStale: false,
  business: false,
  empty: false,
  down: 0,
  delay: 0,
  session: true,
};
const sessions = new Set();
const listeners = new Set();
let alerts = [];
let failures = 0;

function send(response, status, body, headers = {}) {
  response.writeHead(status, {
    'Content-Type': status < 400 ? 'application/json' : 'application/problem+json',
    ...headers,
  });
  response.end(body === undefined ? '' : JSON.stringify(body));
}

const problem = (response, status, title, detail, headers) =>
  send(response, status, { type: 'about:blank', title, status, detail }, headers);

function broadcast(event, data) {
  for (const listener of listeners) listener.write(`event: ${event}\ndata: ${JSON.stringify(data)}\n\n`);
}

async function body(request) {
  let text = '';
  for await (const chunk of request) text += chunk;
  return text === '' ? {} : JSON.parse(text);
}

const tokenOf = (request) => /pantau_session=(\w+)/.exec(request.headers.cookie ?? '')?.[1];

function sessionOf() {
  return { username: 'admin', role: 'admin', expires_at: new Date(Date.now() + 3_600_000).toISOString() };
}

async function signIn(request, response) {
  const { username, password } = await body(request);
  if (failures >= 3) return problem(response, 429, 'Too Many Requests', 'Too many attempts', { 'Retry-After': '20' });
  if (username !== 'admin' || password !== 'pantau') {
    failures += 1;
    return problem(response, 401, 'Unauthorized', 'User name or password is wrong');
  }
  failures = 0;
  state.session = true;
  const token = `t${sessions.size + 1}`;
  sessions.add(token);
  return send(response, 200, sessionOf(), {
    'Set-Cookie': `pantau_session=${token}; HttpOnly; SameSite=Strict; Path=/`,
  });
}

function stream(request, response) {
  response.writeHead(200, { 'Content-Type': 'text/event-stream', 'Cache-Control': 'no-store' });
  response.write(': connected\n\n');
  listeners.add(response);
  request.on('close', () => listeners.delete(response));
}

const GET = {
  '/api/session': (_request, response) => send(response, 200, sessionOf()),
  '/api/monitoring/stream': stream,
  '/api/monitoring/health': (_request, response) => send(response, 200, simulation.health(Date.now(), state)),
  '/api/monitoring/metrics': (_request, response) => send(response, 200, simulation.metrics(Date.now(), state)),
  '/api/monitoring/performance': (_request, response, query) =>
    send(response, 200, simulation.performance(Date.now(), query.get('metric'), query.get('period'), state)),
  '/api/monitoring/alerts/rules': (_request, response) => send(response, 200, rules.groups(Date.now())),
  '/api/monitoring/alerts': (_request, response, query) =>
    send(
      response,
      200,
      alerts.filter(
        ({ status }) => query.get('status') === 'all' || (query.get('status') === 'active') === (status !== 'resolved'),
      ),
    ),
};

const MOCK = {
  '/mock/state': (values) => {
    Object.assign(state, values);
    if (values.alerts === 'none') alerts = [];
    if (values.failures !== undefined) failures = values.failures;
    if (state.down !== 0 || !state.session) for (const listener of listeners) listener.destroy();
    if (!state.session) sessions.clear();
    broadcast('health', simulation.health(Date.now(), state));
  },
  '/mock/alert': (values) => {
    const raised = simulation.alert(Date.now(), values);
    alerts.unshift(raised);
    broadcast('alert', raised);
  },
  '/mock/muting': (told) => {
    alerts = alerts.map((known) => ({ ...known, muted_by: told[known.id] ?? known.muted_by }));
    broadcast('muting', { alerts: told });
  },
  '/mock/resolve': ({ alert_id }) => {
    alerts = alerts.map((known) => {
      if (known.alert_id !== alert_id || known.status === 'resolved') return known;
      const over = simulation.resolve(Date.now(), known);
      broadcast('alert', over);
      return over;
    });
  },
};

async function file(response, path) {
  const wanted = normalize(path).replace(/^(\.\.[/\\])+/, '');
  const name = extname(wanted) === '' ? 'index.html' : wanted;
  try {
    const content = await readFile(join(dist, name));
    response.writeHead(200, {
      'Content-Type': TYPES[extname(name)] ?? 'application/octet-stream',
      'Content-Security-Policy': "default-src 'self'; style-src 'self' 'unsafe-inline'",
    });
    response.end(content);
  } catch {
    response.writeHead(404).end();
  }
}

createServer(async (request, response) => {
  const url = new URL(request.url ?? '/', 'http://localhost');
  const mock = MOCK[url.pathname];
  if (mock !== undefined) {
    mock(await body(request));
    return send(response, 204);
  }
  if (!url.pathname.startsWith('/api/')) return file(response, url.pathname);
  if (state.delay > 0) await new Promise((done) => setTimeout(done, state.delay));
  if (state.fail !== '' && url.pathname.includes(state.fail))
    return problem(response, 500, 'Internal Server Error', 'Asked to fail');
  if (state.down !== 0) return problem(response, state.down, 'Service Unavailable', 'The database does not answer');
  if (url.pathname === '/api/session' && request.method === 'POST') return signIn(request, response);
  if (!sessions.has(tokenOf(request) ?? '')) return problem(response, 401, 'Unauthorized', 'Sign in first');
  if (url.pathname === '/api/session' && request.method === 'DELETE') {
    sessions.delete(tokenOf(request) ?? '');
    return send(response, 204, undefined, { 'Set-Cookie': 'pantau_session=; Max-Age=0; Path=/' });
  }
  const id = /^\/api\/monitoring\/alerts\/(episode-\d+)$/.exec(url.pathname)?.[1];
  const asked = alerts.find((alert) => alert.id === id);
  if (asked !== undefined) return send(response, 200, rules.detail(asked));
  const check = /^\/api\/monitoring\/health\/([^/]+)\/run$/.exec(url.pathname)?.[1];
  const run = check && simulation.health(Date.now() + 4000, state).checks[decodeURIComponent(check)];
  if (run && request.method === 'POST') return send(response, 200, run);
  const answer = GET[url.pathname];
  return answer === undefined
    ? problem(response, 404, 'Not Found', 'No such address')
    : answer(request, response, url.searchParams);
}).listen(port, '127.0.0.1', () => console.log(`mock of Pantau's API on http://127.0.0.1:${port} (development only)`));

setInterval(() => {
  broadcast('metrics', { system: simulation.system(Date.now(), state.load) });
  broadcast('health', simulation.health(Date.now(), state));
}, 5000);
