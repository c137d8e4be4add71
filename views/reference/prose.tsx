/** As much of Markdown as descriptions need: headings, paragraphs, blocks of code, and code within a line. */

export function Prose({ text, prefix = "", isInline = false }: {
  text: string;
  /** What anchors of headings begin with. */
  prefix?: string;
  /** Without a paragraph around it. */
  isInline?: boolean;
}) {
  if (isInline) return <Line text={text} />;
  return (
    <>
      {text.split(/\n{2,}/).filter((block) => block !== "").map((block) => (
        <Block block={block} prefix={prefix} />
      ))}
    </>
  );
}

function Block({ block, prefix }: { block: string; prefix: string }) {
  if (block.startsWith("## ")) {
    const words = block.slice(3);
    return <h3 id={prefix + words.toLowerCase().replaceAll(/[^a-z]+/g, "-")}>{words}</h3>;
  }
  if (block.startsWith("```")) {
    const code = block.split("\n").slice(1, -1).join("\n");
    return <pre tabindex={0} aria-label="Example"><code>{code}</code></pre>;
  }
  return (
    <p>
      <Line text={block} />
    </p>
  );
}

/** Every second piece between backticks is code. */
function Line({ text }: { text: string }) {
  return <>{text.split("`").map((piece, i) => i % 2 === 1 ? <code>{piece}</code> : piece)}</>;
}
