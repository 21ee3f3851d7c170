import { retryDelay } from './connection';

/** The names of the events that the API's stream sends. */
export type StreamEvent = 'alert' | 'muting' | 'health' | 'metrics';

const EVENTS: readonly StreamEvent[] = ['alert', 'muting', 'health', 'metrics'];

// A connection that broke without a word (a laptop that slept, a router that forgot) sends nothing and reports nothing.
// Health results arrive every half minute or so: after three silent ones the stream is opened anew.
const SILENCE_MS = 100_000;

export type StreamHandlers = {
  onOpen: () => void;
  onLost: () => void;
  onEvent: (event: StreamEvent, data: unknown) => void;
};

/**
 * Server-Sent Events that are kept open. The browser's own retry gives up on an HTTP error (a proxy's 502 while the
 * server restarts), so closing and opening again is done here, with growing pauses.
 */
export class LiveStream {
  private source: EventSource | null = null;
  private timer: number | undefined;
  private silence: number | undefined;
  private attempt = 0;

  constructor(
    private readonly url: string,
    private readonly handlers: StreamHandlers,
  ) {}

  open(): void {
    this.close();
    const source = new EventSource(this.url);
    this.source = source;
    source.onopen = () => {
      this.attempt = 0;
      this.watchSilence();
      this.handlers.onOpen();
    };
    source.onerror = () => this.lose();
    for (const name of EVENTS) source.addEventListener(name, (event) => this.receive(name, event));
  }

  close(): void {
    window.clearTimeout(this.timer);
    window.clearTimeout(this.silence);
    this.source?.close();
    this.source = null;
  }

  private receive(name: StreamEvent, event: MessageEvent<string>): void {
    this.watchSilence();
    let data: unknown;
    try {
      data = JSON.parse(event.data);
    } catch {
      // Whatever this was, a full refetch (which a reopened stream triggers) shows the truth.
      this.lose();
      return;
    }
    this.handlers.onEvent(name, data);
  }

  private lose(): void {
    this.close();
    this.handlers.onLost();
    this.timer = window.setTimeout(() => this.open(), retryDelay(this.attempt, Math.random()));
    this.attempt += 1;
  }

  private watchSilence(): void {
    window.clearTimeout(this.silence);
    this.silence = window.setTimeout(() => this.lose(), SILENCE_MS);
  }
}
