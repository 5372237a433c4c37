import { Command } from 'commander';
import { describe, expect, it } from 'vitest';
import { SoraError } from '../errors.ts';
import { trainShape } from '../pipeline/options.ts';
import { addFlags, readFlags } from './flags.ts';
import { optionsPage } from './options-page.ts';

function parse(...words: string[]) {
  const command = addFlags(new Command().exitOverride().configureOutput({ writeErr: () => {} }), trainShape);
  command.parse(words, { from: 'user' });
  return readFlags(trainShape, command.opts());
}

describe('flags', () => {
  it('turns words into checked options, with defaults', () => {
    const options = parse(
      '--target',
      'y',
      '--ignore',
      'a,b',
      '--ignore',
      'c',
      '--types',
      'zip=category,note=text',
    );
    expect(options.target).toBe('y');
    expect(options.ignore).toEqual(['a', 'b', 'c']);
    expect(options.types).toEqual({ zip: 'category', note: 'text' });
    expect([options.badRows, options.testFraction, options.report, options.append]).toEqual([
      'fail',
      0.2,
      true,
      false,
    ]);
    expect(options.header).toBeUndefined();
  });

  it('reads booleans three ways', () => {
    expect(parse('--header').header).toBe(true);
    expect(parse('--no-header').header).toBe(false);
    expect(parse('--no-report').report).toBe(false);
  });

  it('names the option, the value and the limit', () => {
    expect(() => parse('--test-fraction', '2')).toThrow(/--test-fraction is 2: .*0\.9/);
    expect(() => parse('--types', 'a=numbr')).toThrow(SoraError);
    expect(() => parse('--bad-rows', 'hide')).toThrow(/fail, skip, quarantine/);
    expect(() => parse('--workers', 'many')).toThrow(/not a number/);
    expect(() => parse('--types', 'oops')).toThrow(/name=value/);
  });

  it('documents every option of every command', async () => {
    await expect(optionsPage()).toMatchFileSnapshot('../../docs/options.md');
  });
});
