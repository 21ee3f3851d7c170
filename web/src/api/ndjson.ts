/** JSON lines out of a stream of bytes that is cut anywhere. Pure but for its own buffer. */
export class JsonLines {
  private readonly decoder = new TextDecoder();
  private rest = '';

  /** The values whose lines are complete with this piece. SyntaxError for a line that is no JSON. */
  push(piece: Uint8Array): unknown[] {
    return this.take(this.decoder.decode(piece, { stream: true }));
  }

  /** The value of a last line without an end. */
  end(): unknown[] {
    return this.take(`${this.decoder.decode()}\n`);
  }

  private take(text: string): unknown[] {
    const lines = (this.rest + text).split('\n');
    this.rest = lines.pop() ?? '';
    return lines.filter((line) => line.trim() !== '').map((line) => JSON.parse(line) as unknown);
  }
}
