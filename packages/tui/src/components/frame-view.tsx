import { Box, Text } from 'ink';
import { memo } from 'react';
import type { ReactNode } from 'react';
import type { Column, Frame } from '../frame/frame.ts';
import type { Line, Span } from '../frame/line.ts';
import type { Theme } from '../terminal/theme.ts';

/** Draws a frame; a row that did not change is not drawn again. */
export function FrameView({ frame, theme }: { readonly frame: Frame; readonly theme: Theme }): ReactNode {
  return (
    <Box flexDirection="column">
      <Row spans={frame.header} theme={theme} />
      <Box>
        {frame.columns.map((column, index) => (
          // oxlint-disable-next-line react/no-array-index-key -- places on the screen have no other name
          <ColumnView key={index} column={column} theme={theme} />
        ))}
      </Box>
      {frame.panel.map((spans, index) => (
        // oxlint-disable-next-line react/no-array-index-key -- see above
        <Row key={index} spans={spans} theme={theme} />
      ))}
      {frame.footer.map((spans, index) => (
        // oxlint-disable-next-line react/no-array-index-key -- see above
        <Row key={index} spans={spans} theme={theme} />
      ))}
    </Box>
  );
}

function ColumnView({ column, theme }: { readonly column: Column; readonly theme: Theme }): ReactNode {
  return (
    <Box flexDirection="column" width={column.width} flexShrink={0}>
      {column.lines.map((spans, index) => (
        // oxlint-disable-next-line react/no-array-index-key -- see above
        <Row key={index} spans={spans} theme={theme} />
      ))}
    </Box>
  );
}

const Row = memo(
  ({ spans, theme }: { readonly spans: Line; readonly theme: Theme }): ReactNode => (
    <Text wrap="truncate">
      {spans.map((one, index) => (
        // oxlint-disable-next-line react/no-array-index-key -- see above
        <Piece key={index} one={one} theme={theme} />
      ))}
    </Text>
  ),
  (before, after) => before.theme === after.theme && isSame(before.spans, after.spans),
);
Row.displayName = 'Row';

function Piece({ one, theme }: { readonly one: Span; readonly theme: Theme }): ReactNode {
  if (one.role === undefined && one.color === undefined && one.background === undefined) return one.text;
  const colors = {
    ...(one.color !== undefined && { color: one.color }),
    ...(one.background !== undefined && { backgroundColor: one.background }),
  };
  return (
    <Text {...theme.looks[one.role ?? 'plain']} {...colors}>
      {one.text}
    </Text>
  );
}

function isSame(a: Line, b: Line): boolean {
  return (
    a === b ||
    (a.length === b.length &&
      a.every((one, index) => {
        const other = b[index];
        return (
          one.text === other?.text &&
          one.role === other.role &&
          one.color === other.color &&
          one.background === other.background
        );
      }))
  );
}
