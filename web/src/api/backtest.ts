import { ApiError, fromAnswer, fromThrown } from './error';
import { JsonLines } from './ndjson';
import type { BacktestLine, BacktestRequest } from './types';

// The first line comes when history has been read; from then on progress comes all the time.
const SILENCE_MS = 60_000;

/**
 * Runs rules over history and hands over the lines of the answer as they come. Ends when the last one has come; throws an
 * `ApiError` for what was refused or broke off. Aborting ends the run on the server, too.
 */
export async function runBacktest(
  body: BacktestRequest,
  signal: AbortSignal,
  onLines: (lines: BacktestLine[]) => void,
): Promise<void> {
  const silence = new AbortController();
  let timer: ReturnType<typeof setTimeout> | undefined;
  const listen = () => {
    clearTimeout(timer);
    timer = setTimeout(() => silence.abort(new DOMException('', 'TimeoutError')), SILENCE_MS);
  };
  try {
    listen();
    const response = await fetch('/api/monitoring/alerts/rules/backtest', {
      method: 'POST',
      headers: { 'Content-Type': 'application/json', Accept: 'application/x-ndjson' },
      body: JSON.stringify(body),
      signal: AbortSignal.any([signal, silence.signal]),
    });
    if (!response.ok || response.body === null) throw await refusal(response);
    await readLines(response.body, onLines, listen);
  } catch (thrown) {
    if (signal.aborted) throw new DOMException('', 'AbortError');
    throw fromThrown(thrown);
  } finally {
    clearTimeout(timer);
  }
}

async function readLines(
  body: ReadableStream<Uint8Array>,
  onLines: (lines: BacktestLine[]) => void,
  onPiece: () => void,
): Promise<void> {
  const lines = new JsonLines();
  const reader = body.getReader();
  let ended = false;
  const hand = (found: BacktestLine[]) => {
    if (found.length === 0) return;
    ended ||= found.some((line) => line.summary != null || line.error != null);
    onLines(found);
  };
  for (;;) {
    const { done, value } = await reader.read();
    if (done) break;
    onPiece();
    hand(lines.push(value) as BacktestLine[]);
  }
  hand(lines.end() as BacktestLine[]);
  // Without its last line an answer is not whole, however many transitions it has told.
  if (!ended) throw new ApiError('network');
}

async function refusal(response: Response): Promise<ApiError> {
  const body: unknown = await response.json().catch(() => null);
  return fromAnswer(response, body, Date.now());
}
