/** One call: what it takes, what it answers, and how it is typed into a shell. */
import type { oas31 } from "zod-openapi";
import { FieldTable, isReference, TypeName } from "./fields.tsx";
import { Prose } from "./prose.tsx";
import type { Document } from "./reference_page.tsx";

interface OperationProps {
  path: string;
  method: string;
  operation: oas31.OperationObject;
  document: Document;
  prefix: string;
}

export function Operation({ path, method, operation, document, prefix }: OperationProps) {
  const { operationId = "", summary = "", description, parameters = [], requestBody, responses = {} } =
    operation;
  const id = prefix + operationId;
  const known = parameters.filter((each) =>
    !isReference(each as oas31.SchemaObject)
  ) as oas31.ParameterObject[];
  return (
    <article class="operation" aria-labelledby={id}>
      <h3 id={id}>
        <a href={`#${id}`}>{summary}</a>
      </h3>
      <p class="call">
        <span class={`method ${method.toLowerCase()}`}>{method}</span> <code>{path}</code>{" "}
        <span class="access">{accessWords(operation)}</span>
      </p>
      {description !== undefined && <Prose text={description} />}
      {known.length > 0 && <Parameters parameters={known} label={`Parameters: ${summary}`} />}
      {requestBody !== undefined && !("$ref" in requestBody) && (
        <RequestBody body={requestBody} document={document} summary={summary} />
      )}
      <Answers responses={responses} prefix={prefix} label={`Answers: ${summary}`} />
      <Example operation={operation} />
    </article>
  );
}

const accessNames: { [access: string]: string } = {
  anybody: "no sign-in needed",
  read: "scope read",
  generate: "scope generate",
  all: "scope all",
  moderator: "moderators, scope all",
  admin: "admins, scope read",
  "admin's session": "admins, signed in",
};

function accessWords(operation: oas31.OperationObject): string {
  return accessNames[operation["x-access"]];
}

const placeNames: { [place: string]: string } = { path: "path", query: "query", header: "header" };

function Parameters({ parameters, label }: { parameters: oas31.ParameterObject[]; label: string }) {
  return (
    <table class="fields" aria-label={label}>
      <thead>
        <tr>
          <th scope="col">Parameter</th>
          <th scope="col">Takes</th>
          <th scope="col">What it is</th>
        </tr>
      </thead>
      <tbody>
        {parameters.map(({ name, in: place, schema = {}, description = "" }) => (
          <tr>
            <th scope="row">
              <code>{name}</code>
              <span class="muted">{placeNames[place]}</span>
            </th>
            <td>
              <TypeName schema={schema} />
            </td>
            <td>
              <Prose text={[description, usualWords(schema)].filter(Boolean).join(" ")} isInline />
            </td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}

function usualWords(schema: oas31.SchemaObject | oas31.ReferenceObject): string {
  return isReference(schema) || schema.default === undefined
    ? ""
    : `Left out: \`${JSON.stringify(schema.default)}\`.`;
}

function RequestBody({ body, document, summary }: {
  body: oas31.RequestBodyObject;
  document: Document;
  summary: string;
}) {
  const shown = Object.entries(body.content).filter(([, { schema }]) =>
    schema !== undefined && hasFields(schema)
  );
  return (
    <>
      {shown.map(([type, { schema }]) => (
        <>
          <p class="takes">
            Takes <code>{type}</code>: <BodyName schema={schema!} document={document} />
          </p>
          <BodyFields schema={schema!} document={document} label={`${type}: ${summary}`} />
        </>
      ))}
    </>
  );
}

function BodyFields({ schema, document, label }: {
  schema: oas31.SchemaObject | oas31.ReferenceObject;
  document: Document;
  label: string;
}) {
  const fields = isReference(schema) ? namedSchema(document, schema) : schema;
  if (fields?.properties === undefined) return null;
  return <FieldTable schema={fields} label={label} hasRequired />;
}

function namedSchema({ components }: Document, { $ref }: oas31.ReferenceObject) {
  const schema = components?.schemas?.[$ref.split("/").at(-1)!];
  return schema === undefined || isReference(schema) ? undefined : schema;
}

function hasFields(schema: oas31.SchemaObject | oas31.ReferenceObject): boolean {
  return isReference(schema) || schema.properties === undefined || Object.keys(schema.properties).length > 0;
}

function BodyName({ schema, document }: {
  schema: oas31.SchemaObject | oas31.ReferenceObject;
  document: Document;
}) {
  if (isReference(schema)) {
    const named = namedSchema(document, schema);
    return (
      <>
        <TypeName schema={schema} />{" "}
        {named?.description !== undefined && <span class="muted">{named.description}</span>}
      </>
    );
  }
  return schema.properties === undefined
    ? <TypeName schema={schema} />
    : <>{schema.description ?? "these fields."}</>;
}

function Answers({ responses, prefix, label }: {
  responses: oas31.ResponsesObject;
  prefix: string;
  label: string;
}) {
  const told = Object.entries(responses);
  const own = told.filter(([, response]) => response.$ref === undefined);
  const refused = told.filter(([, response]) => response.$ref !== undefined);
  return (
    <>
      <table class="fields answers" aria-label={label}>
        <thead>
          <tr>
            <th scope="col">Answers</th>
            <th scope="col">With</th>
            <th scope="col">What it is</th>
          </tr>
        </thead>
        <tbody>
          {own.map(([status, response]) => (
            <tr>
              <th scope="row">{status}</th>
              <td>
                <Contents content={response.content ?? {}} />
              </td>
              <td>
                <Prose text={response.description} isInline />
              </td>
            </tr>
          ))}
        </tbody>
      </table>
      {refused.length > 0 && (
        <p class="refuses muted">
          Refuses with {refused.map(([status, { $ref }], i) => (
            <>
              {i > 0 && ", "}
              <a href={`#${prefix}refusal-${$ref.split("/").at(-1)}`}>{status}</a>
            </>
          ))}
        </p>
      )}
    </>
  );
}

function Contents({ content }: { content: oas31.ContentObject }) {
  return (
    <>
      {Object.entries(content).map(([type, { schema = {} }], i) => (
        <>
          {i > 0 && <br />}
          {type === "application/json" ? <AnswerFields schema={schema} /> : <code>{type}</code>}
        </>
      ))}
    </>
  );
}

/** The fields of an answer by name, those with a shape of their own lead to it; what is in others the document says. */
function AnswerFields({ schema }: { schema: oas31.SchemaObject | oas31.ReferenceObject }) {
  if (isReference(schema) || schema.properties === undefined) return <TypeName schema={schema} />;
  const fields = Object.entries(schema.properties).filter(([name]) => name !== "success");
  if (fields.length === 0) return <code>{'{"success": true}'}</code>;
  return (
    <ul class="answer-fields">
      {fields.map(([name, field]) => (
        <li>
          <code>{name}</code> <TypeName schema={field} />
        </li>
      ))}
    </ul>
  );
}

function Example({ operation }: { operation: oas31.OperationObject }) {
  const [sample] = operation["x-codeSamples"] ?? [];
  if (sample === undefined) return null;
  return <pre tabindex={0} aria-label={`curl: ${operation.summary}`}><code>{sample.source}</code></pre>;
}
