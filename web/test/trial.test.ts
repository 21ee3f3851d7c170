import { describe, expect, it } from 'vitest';
import { fromAnswer } from '@/api/error';
import { JsonLines } from '@/api/ndjson';
import type { BacktestLine } from '@/api/types';
import { lineOf, NOTHING, spanOfLine, stretchOf, takeLines } from '@/pages/trial/outcome';

describe('JSON lines', () => {
  const bytes = new TextEncoder().encode('{"a":1}\n{"b":"é"}\n\n{"c":3}');

  it('are the same however the stream is cut, also within a character', () => {
    for (let cut = 0; cut <= bytes.length; cut += 1) {
      const lines = new JsonLines();
      const found = [...lines.push(bytes.slice(0, cut)), ...lines.push(bytes.slice(cut)), ...lines.end()];
      expect(found).toEqual([{ a: 1 }, { b: 'é' }, { c: 3 }]);
    }
  });

  it('tell a line that is cut off at the end from a whole one', () => {
    const lines = new JsonLines();
    lines.push(new TextEncoder().encode('{"a":'));
    expect(() => lines.end()).toThrow(SyntaxError);
  });
});

describe('a run', () => {
  const line = (one: object) => one as BacktestLine;

  it('is the sum of its lines', () => {
    const first = takeLines(NOTHING, [line({ progress: { done: 5, of: 20 } }), line({ transition: { rule: 'A' } })]);
    expect(first.done).toBe(0.25);
    const second = takeLines(first, [line({ transition: { rule: 'B' } }), line({ summary: { seconds: 1 } })]);
    expect(second.transitions.map(({ rule }) => rule)).toEqual(['A', 'B']);
    expect(second.summary?.seconds).toBe(1);
    expect(first.transitions.length).toBe(1);
  });

  it('keeps its lists where only the progress moves', () => {
    const first = takeLines(NOTHING, [line({ transition: { rule: 'A' } })]);
    expect(takeLines(first, [line({ progress: { done: 1, of: 1 } })]).transitions).toBe(first.transitions);
  });

  it('may end with an error', () => {
    expect(takeLines(NOTHING, [line({ error: { status: 503, detail: 'too long' } })]).error).toBe('too long');
  });
});

describe('places in the text', () => {
  it('are read from what the server says', () => {
    expect(lineOf('file:4')).toBe(4);
    expect(lineOf('file:4:12')).toBe(4);
    expect(lineOf('body.end')).toBeNull();
  });

  it('are found in it', () => {
    expect(spanOfLine('ab\ncde\nf', 2)).toEqual([3, 6]);
    expect(spanOfLine('ab', 2)).toBeNull();
  });
});

it('an own stretch of history has a beginning and a later end', () => {
  expect(stretchOf('1h', '', '', 3_600_000)).toEqual({ start: 0, end: 3_600_000 });
  expect(stretchOf('own', '2026-03-01T12:00', '2026-03-01T11:00', 0)).toBeNull();
  expect(stretchOf('own', '', '', 0)).toBeNull();
  expect(stretchOf('own', '2026-03-01T12:00', '2026-03-01T13:00', 0)).not.toBeNull();
});

it('what is wrong where comes with the error, whatever else the body holds', () => {
  const body = { detail: 'no', errors: [{ where: 'file:3', reason: 'not YAML' }, { where: 4 }, null] };
  const error = fromAnswer(new Response(null, { status: 412 }), body, 0);
  expect(error.kind).toBe('conflict');
  expect(error.faults).toEqual([{ where: 'file:3', reason: 'not YAML' }]);
  expect(fromAnswer(new Response(null, { status: 422 }), '<html>', 0).faults).toEqual([]);
});
