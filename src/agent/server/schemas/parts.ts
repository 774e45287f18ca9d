/** Schemas that results have in common. */
import * as z from 'zod/mini';
import type { Hint } from '../../../../loader/hint.js';

/** A text, with its description. */
export const text = (description: string) => z.string().check(z.describe(description));
/** A number. */
export const number = (description: string) => z.number().check(z.describe(description));
/** A yes or no. */
export const flag = (description: string) => z.boolean().check(z.describe(description));
/** A list of texts. */
export const texts = (description: string) => z.array(z.string()).check(z.describe(description));
/** A field that may be missing, and is never undefined. */
export const optional = z.exactOptional;

const hintPart = z.union([
  z.string(),
  z.strictObject({ run: z.array(z.string()) }),
  z.strictObject({ exec: z.array(z.string()) }),
  z.strictObject({ repeat: z.literal(true) }),
]);
/** Advice with commands in it, as words: `run` is a command of dpctl, `exec` one of another program. */
export const hint: z.ZodMiniType<Hint> = z
  .union([hintPart, z.array(hintPart)])
  .check(
    z.describe(
      'plain text, a command of dpctl (run), of another program (exec), that the command is to be repeated, or a list of these as they are read',
    ),
  );

const plan = z.array(
  z.strictObject({
    step: text('what is done: pair.create, table.put ...'),
    subject: text('what it is done to'),
    detail: text('the values, for people'),
  }),
);

/** What every change reports. */
export const change = {
  changed: flag('false if nothing had to change'),
  plan,
  notes: z.array(hint).check(z.describe('what the user must know')),
  milliseconds: number('how long it took'),
};
