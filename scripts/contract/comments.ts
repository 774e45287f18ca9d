/**
 * Reads the comments of the contract's headers. BTF has every number but no text, and the text that users
 * see for a drop reason is the comment beside it, so that no second copy can become stale. The only numbers
 * taken from the header are those of plain `#define NAME 123`, which BTF cannot carry.
 */

/** The comments of one struct or enum: its own and those of its members. */
export interface Described {
  readonly doc: string;
  /** Member (a field, or an enum's value) -> its comment; in the order of the header. */
  readonly members: ReadonlyMap<string, string>;
}

/** A constant that is no enum's value. */
export interface Define {
  readonly name: string;
  readonly value: number;
  readonly doc: string;
}

/** The comments of one header. */
export interface HeaderText {
  readonly structs: ReadonlyMap<string, Described>;
  readonly enums: ReadonlyMap<string, Described>;
  readonly defines: readonly Define[];
}

type Token = { readonly kind: 'comment' | 'code' | 'newline'; readonly text: string };

/**
 * Read a header written in kernel style: a comment before a struct, enum or define belongs to it, a comment
 * behind a member on its last line, or alone on the lines before, belongs to the member.
 * @param text the header's source
 */
export function parseHeader(text: string): HeaderText {
  const structs = new Map<string, Described>();
  const enums = new Map<string, Described>();
  const defines: Define[] = [];
  const tokens = tokenize(text);
  let doc = '';
  for (let i = 0; i < tokens.length; i++) {
    const token = tokens[i] as Token;
    if (token.kind === 'comment') {
      doc = plain(token.text);
      continue;
    }
    if (token.kind === 'newline') {
      // An empty line separates a comment from what follows.
      if (tokens[i + 1]?.kind === 'newline') doc = '';
      continue;
    }
    const define = /^#define\s+(\w+)\s+\(?(0x[0-9a-fA-F]+|\d+)[uUlL]*\)?\s*$/.exec(token.text);
    if (define?.[1] !== undefined) {
      defines.push({ name: define[1], value: Number(define[2]), doc });
      // The comment applies to all lines right below it.
      continue;
    }
    const open = /^(struct|enum)\s+(\w+)\s*\{/.exec(token.text);
    if (open?.[2] !== undefined) {
      const end = tokens.findIndex((t, at) => at > i && t.kind === 'code' && /^\}/.test(t.text));
      const body = tokens.slice(i + 1, end);
      const into = open[1] === 'struct' ? structs : enums;
      into.set(open[2], { doc, members: parseMembers(body) });
      i = end;
    }
    doc = '';
  }
  return { structs, enums, defines };
}

function parseMembers(body: readonly Token[]): Map<string, string> {
  const members = new Map<string, string>();
  let before = '';
  let last: string | undefined;
  for (const token of body) {
    if (token.kind === 'newline') {
      last = undefined;
    } else if (token.kind === 'comment') {
      if (last === undefined)
        before = before ? `${before} ${plain(token.text)}` : plain(token.text);
      else members.set(last, plain(token.text));
    } else {
      const name = memberName(token.text);
      if (name === undefined) continue;
      members.set(name, before);
      before = '';
      last = name;
    }
  }
  return members;
}

/** `__u8 mac[6];` -> mac, `REASON_X = 1,` -> REASON_X. */
function memberName(code: string): string | undefined {
  const field = /(\w+)\s*(?:\[[^\]]*\]\s*)*;$/.exec(code);
  if (field) return field[1];
  return /^([A-Z_]\w*)\s*(?:=[^,]*)?,?$/.exec(code)?.[1];
}

function tokenize(text: string): Token[] {
  const tokens: Token[] = [];
  for (const match of text.matchAll(/(\/\*[\s\S]*?\*\/)|(\n)|((?:(?!\/\*)[^\n])+)/g)) {
    const [, comment, newline, code] = match;
    if (comment !== undefined) tokens.push({ kind: 'comment', text: comment });
    else if (newline !== undefined) tokens.push({ kind: 'newline', text: newline });
    else if (code?.trim()) tokens.push({ kind: 'code', text: code.trim() });
  }
  return tokens;
}

function plain(comment: string): string {
  return comment
    .replace(/^\/\*+/, '')
    .replace(/\*+\/$/, '')
    .split('\n')
    .map((line) => line.replace(/^\s*\*\s?/, '').trim())
    .join(' ')
    .replace(/\s+/g, ' ')
    .trim();
}
