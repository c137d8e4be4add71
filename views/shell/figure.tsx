/** One figure in a list of them (`<dl>`): its name, its value, and what there is to know of it. */
export function Figure({ name, value, detail }: { name: string; value: string; detail?: string }) {
  return (
    <div>
      <dt>{name}</dt>
      <dd>
        {value} {detail && <span class="muted">{detail}</span>}
      </dd>
    </div>
  );
}
