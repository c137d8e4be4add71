/** The page that tells what programs can do. It is rendered from the OpenAPI documents and from nothing else. */
import { raw } from "hono/html";
import type { oas31 } from "zod-openapi";
import type { Reader } from "../../lib/prompts/queue_state.ts";
import { Layout } from "../shell/layout.tsx";
import { FieldTable, type Place, schemaAnchor, TypeName } from "./fields.tsx";
import { Operation } from "./operation.tsx";
import { Prose } from "./prose.tsx";

export type Document = oas31.OpenAPIObject;

export interface Part {
  document: Document;
  /** What its anchors begin with. */
  prefix?: string;
}

/** `html` is what `Reference` gives; it is the same for everybody. */
export function ReferencePage(
  { user, hasGallery, html }: { user: Reader | null; hasGallery: boolean; html: string },
) {
  return (
    <Layout title="API reference" user={user} hasGallery={hasGallery} current="/api" isScriptless>
      {raw(html)}
    </Layout>
  );
}

export function Reference({ parts }: { parts: Part[] }) {
  const [{ document: { info } }] = parts;
  const schemas = Object.assign({}, ...parts.map(({ document }) => document.components?.schemas ?? {}));
  return (
    <div class="reference">
      <header>
        <h1>API reference</h1>
        <p class="muted">
          Darkroom {info.version}. For programs that read OpenAPI 3.1:{" "}
          <a href="/api/v1/openapi.json">/api/v1/openapi.json</a> and{" "}
          <a href="/v1/openapi.json">/v1/openapi.json</a>
        </p>
      </header>
      <Contents parts={parts} schemas={schemas} />
      <div class="reference-body">
        {parts.map((part) => <PartSections {...part} isFirst={part === parts[0]} />)}
        <section aria-labelledby="shapes">
          <h2 id="shapes">Shapes</h2>
          {Object.entries(schemas).map(([name, schema]) => (
            <Shape name={name} schema={schema as oas31.SchemaObject} />
          ))}
        </section>
      </div>
    </div>
  );
}

function slug(text: string): string {
  return text.toLowerCase().replaceAll(/[^a-z0-9]+/g, "-");
}

interface Listed {
  path: string;
  method: string;
  operation: oas31.OperationObject;
}

const methods = ["get", "post", "put", "patch", "delete"] as const;

function operationsOf({ paths = {} }: Document, tag: string): Listed[] {
  return Object.entries(paths).flatMap(([path, item]) =>
    methods.flatMap((method) => {
      const operation = item[method];
      return operation?.tags?.includes(tag) ? [{ path, method: method.toUpperCase(), operation }] : [];
    })
  );
}

function Contents({ parts, schemas }: { parts: Part[]; schemas: { [name: string]: unknown } }) {
  return (
    <nav class="reference-contents" aria-label="Contents">
      {parts.map(({ document, prefix = "" }) => <ContentsOfPart document={document} prefix={prefix} />)}
      <details>
        <summary>Shapes</summary>
        <ul>
          {Object.keys(schemas).map((name) => (
            <li>
              <a href={`#${schemaAnchor(name)}`}>{name}</a>
            </li>
          ))}
        </ul>
      </details>
    </nav>
  );
}

function ContentsOfPart({ document, prefix }: { document: Document; prefix: string }) {
  const { info, tags = [] } = document;
  return (
    <>
      <p class="muted">{prefix === "" ? "Darkroom's API" : info.title.replace("Darkroom, as ", "")}</p>
      <ul>
        <li>
          <a href={`#${prefix}guide`}>How it works</a>
        </li>
        {tags.map(({ name }) => (
          <li>
            <details>
              <summary>{name}</summary>
              <ul>
                <li>
                  <a href={`#${prefix}${slug(name)}`}>About {name.toLowerCase()}</a>
                </li>
                {operationsOf(document, name).map(({ operation }) => (
                  <li>
                    <a href={`#${prefix}${operation.operationId}`}>{operation.summary}</a>
                  </li>
                ))}
              </ul>
            </details>
          </li>
        ))}
        <li>
          <a href={`#${prefix}refusals`}>Refusals</a>
        </li>
      </ul>
    </>
  );
}

function PartSections({ document, prefix = "", isFirst }: Part & { isFirst: boolean }) {
  const { info, tags = [] } = document;
  return (
    <>
      <section aria-labelledby={`${prefix}guide`}>
        <h2 id={`${prefix}guide`}>{isFirst ? "How it works" : info.title.replace("Darkroom, as ", "")}</h2>
        <Prose text={info.description ?? ""} prefix={prefix} />
      </section>
      {tags.map(({ name, description = "" }) => (
        <section aria-labelledby={`${prefix}${slug(name)}`}>
          <h2 id={`${prefix}${slug(name)}`}>{name}</h2>
          <Prose text={description} prefix={prefix} />
          {operationsOf(document, name).map(({ path, method, operation }) => (
            <Operation {...{ path, method, operation, document, prefix }} />
          ))}
        </section>
      ))}
      <Refusals document={document} prefix={prefix} />
    </>
  );
}

function Refusals({ document, prefix }: { document: Document; prefix: string }) {
  const named = Object.entries(document.components?.responses ?? {});
  return (
    <section aria-labelledby={`${prefix}refusals`}>
      <h2 id={`${prefix}refusals`}>Refusals{prefix !== "" && " there"}</h2>
      <table class="fields">
        <thead>
          <tr>
            <th scope="col">Status</th>
            <th scope="col">Code</th>
            <th scope="col">What it means</th>
          </tr>
        </thead>
        <tbody>
          {named.flatMap(([name, response]) =>
            Object.entries(codesIn(response)).map(([code, words], i) => (
              <tr id={i === 0 ? `${prefix}refusal-${name}` : undefined}>
                <td data-name="Status">{statusOf(document, name)}</td>
                <th scope="row">
                  <code>{code}</code>
                </th>
                <td>
                  <Prose text={words} isInline />
                </td>
              </tr>
            ))
          )}
        </tbody>
      </table>
    </section>
  );
}

function codesIn(response: object): { [code: string]: string } {
  return "x-codes" in response ? response["x-codes"] as { [code: string]: string } : {};
}

/** The status under which calls name a response. */
function statusOf({ paths = {} }: Document, name: string): string {
  const reference = `#/components/responses/${name}`;
  for (const item of Object.values(paths)) {
    for (const method of methods) {
      const found = Object.entries(item[method]?.responses ?? {}).find(([, response]) =>
        response.$ref === reference
      );
      if (found !== undefined) return found[0];
    }
  }
  return "";
}

function Shape({ name, schema }: { name: string; schema: oas31.SchemaObject }) {
  const place: Place = { label: `Fields of ${name}`, hasRequired: true };
  return (
    <article class="shape" aria-labelledby={schemaAnchor(name)}>
      <h3 id={schemaAnchor(name)}>{name}</h3>
      {schema.description !== undefined && <Prose text={schema.description} prefix="" />}
      {schema.properties === undefined
        ? (
          <p>
            <TypeName schema={schema} />
          </p>
        )
        : <FieldTable schema={schema} {...place} />}
    </article>
  );
}
