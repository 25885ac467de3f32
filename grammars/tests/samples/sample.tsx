import * as React from 'react';

/** What the counter is told. */
interface Props {
  start: number;
  onChange?: (n: number) => void;
}

/** Counts clicks. */
export function Counter({ start, onChange }: Props): JSX.Element {
  const [count, setCount] = React.useState<number>(start);
  return (
    <>
      <button onClick={() => setCount(count + 1)} disabled>
        {count} times
      </button>
    </>
  );
}

export const Label: React.FC<{ text: string }> = ({ text }) => <span>{text}</span>;
