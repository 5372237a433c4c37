/** What tests import of columns.mjs. */
export function streamColumns(
  path: string,
  spec: {
    readonly target: string;
    /** The columns that it is predicted from; absent: all others. */
    readonly columns?: readonly string[];
    readonly delimiter?: string;
    readonly above?: number;
  },
): {
  readonly columns: Record<string, (number | string)[]>;
  readonly roles: Record<string, 'label'>;
  readonly features: Record<string, 'number' | 'category'>;
  /** In order; of no meaning where numbers are learned. */
  readonly classes: readonly (number | string)[];
};
