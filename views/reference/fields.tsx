/** Fields of a schema as a table, and what a field takes in a few words. */
import type { oas31 } from "zod-openapi";
import { Prose } from "./prose.tsx";

type Schema = oas31.SchemaObject | oas31.ReferenceObject;

export interface Place {
  label: string;
  /** Whether to say what may be left out. */
  hasRequired: boolean;
}

export function schemaAnchor(name: string): string {
  return `shape-${name}`;
}

export function FieldTable({ schema, label, hasRequired }: { schema: oas31.SchemaObject } & Place) {
  return (
    <table class="fields" aria-label={label}>
      <thead>
        <tr>
          <th scope="col">Field</th>
          <th scope="col">Takes</th>
          <th scope="col">What it is</th>
        </tr>
      </thead>
      <tbody>
        {fieldsOf(schema).map(({ name, field, isRequired }) => (
          <tr>
            <th scope="row">
              <code>{name}</code>
              {hasRequired && !isRequired && <span class="muted">optional</span>}
            </th>
            <td>
              <TypeName schema={field} />
            </td>
            <td>
              <Words schema={field} />
            </td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}

interface Field {
  /** With what it is in, such as "counts.prompts" or "problems[].row". */
  name: string;
  field: Schema;
  isRequired: boolean;
}

function fieldsOf({ properties = {}, required = [] }: oas31.SchemaObject, before = ""): Field[] {
  return Object.entries(properties).flatMap(([key, field]) => {
    const name = before + key;
    const own = { name, field, isRequired: required.includes(key) };
    const inner = innerOf(field);
    return inner === null ? [own] : [own, ...fieldsOf(inner.schema, `${name}${inner.mark}.`)];
  });
}

/** The object that stands in a field and has no name of its own. */
function innerOf(field: Schema): { schema: oas31.SchemaObject; mark: string } | null {
  const [schema] = withoutNull(field);
  if (schema === undefined || isReference(schema)) return null;
  if (schema.properties !== undefined) return { schema, mark: "" };
  const { items } = schema;
  if (items === undefined || isReference(items) || items.properties === undefined) return null;
  return { schema: items, mark: "[]" };
}

export function isReference(schema: Schema): schema is oas31.ReferenceObject {
  return typeof schema.$ref === "string";
}

function optionsOf(schema: oas31.SchemaObject): Schema[] | undefined {
  return schema.anyOf ?? schema.oneOf ?? schema.allOf;
}

function withoutNull(field: Schema): Schema[] {
  if (isReference(field)) return [field];
  const options = optionsOf(field);
  return options === undefined
    ? [field]
    : options.filter((each) => isReference(each) || each.type !== "null");
}

/** What a value is, such as "whole number, 1 to 8"; shapes that have a name lead to it. */
export function TypeName({ schema }: { schema: Schema }) {
  if (isReference(schema)) {
    const name = schema.$ref.split("/").at(-1)!;
    return <a href={`#${schemaAnchor(name)}`}>{name}</a>;
  }
  const options = optionsOf(schema);
  if (options !== undefined) {
    return (
      <>
        {options.map((option, i) => (
          <>
            {i > 0 && " or "}
            <TypeName schema={option} />
          </>
        ))}
      </>
    );
  }
  if (schema.enum !== undefined) return <Choices values={schema.enum} />;
  if (schema.const !== undefined) return <code>{JSON.stringify(schema.const)}</code>;
  if (schema.items !== undefined) {
    return (
      <>
        list of <TypeName schema={schema.items} />
        {rangeWords(schema.minItems, schema.maxItems)}
      </>
    );
  }
  return <>{plainName(schema)}</>;
}

function Choices({ values }: { values: unknown[] }) {
  return (
    <>
      {values.map((value, i) => (
        <>
          {i > 0 && " · "}
          <code>{JSON.stringify(value)}</code>
        </>
      ))}
    </>
  );
}

function plainName(schema: oas31.SchemaObject): string {
  const { type = "anything", format } = schema;
  const types = [type].flat().map((each) => typeNames[each] ?? each);
  const [first, ...others] = format !== undefined && format in formatNames
    ? [formatNames[format], ...types.slice(1)]
    : types;
  const range = first === "text"
    ? rangeWords(schema.minLength, schema.maxLength, " characters")
    : rangeWords(schema.minimum ?? schema.exclusiveMinimum, schema.maximum ?? schema.exclusiveMaximum);
  return [first + range, ...others].join(" or ");
}

const typeNames: { [type: string]: string } = {
  string: "text",
  integer: "whole number",
  number: "number",
  boolean: "true or false",
  null: "null",
  object: "object",
  array: "list",
};

const formatNames: { [format: string]: string } = {
  binary: "file",
  uri: "address",
  date: "day",
  "date-time": "time",
};

function rangeWords(from: number | undefined, to: number | undefined, unit = ""): string {
  if (from === undefined && to === undefined) return "";
  if (to === undefined) return `, ${from}${unit} or more`;
  return from === undefined ? `, at most ${to}${unit}` : `, ${from} to ${to}${unit}`;
}

function Words({ schema }: { schema: Schema }) {
  const usual = isReference(schema) || schema.default === undefined
    ? ""
    : `Left out: \`${JSON.stringify(schema.default)}\`.`;
  return <Prose text={[schema.description ?? "", usual].filter(Boolean).join(" ")} isInline />;
}
