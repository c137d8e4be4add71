import { z } from "zod";
import { hookChanges, newHookInput } from "../../../lib/hooks/hook.ts";
import { orders } from "../../../lib/publications/gallery.ts";
import {
  appealInput,
  decisionInput,
  newPublicationInput,
  publicationChanges,
  reportInput,
} from "../../../lib/publications/publication.ts";
import { newShareInput, shareChanges } from "../../../lib/shares/share.ts";
import {
  deliveryAnswer,
  deliveryListAnswer,
  hookAnswer,
  hookListAnswer,
  hookSecretAnswer,
  newHookAnswer,
} from "../../../views/json/hook_json.ts";
import {
  publicationAnswer,
  publicationListAnswer,
  reportAnswer,
  reportedAnswer,
} from "../../../views/json/publication_json.ts";
import { shareAnswer, shareListAnswer } from "../../../views/json/share_json.ts";
import { maxLimit } from "../../http/list_query.ts";
import { done, json, jsonBody, noFields, pageQuery, type Resource } from "../operation.ts";

const exampleId = "01a20847-008a-7000-94b6-b48e82dd5e12";

export const shares: Resource = {
  name: "Shares",
  words: "Links that show something to people without an account, until they end.",
  operations: {
    "GET /api/v1/shares": {
      summary: "List links",
      access: "read",
      query: pageQuery(50, { most: maxLimit }),
      answers: { 200: json(shareListAnswer, "A page of links.", ["Link"]) },
    },
    "POST /api/v1/shares": {
      summary: "Make a link",
      words: "Of one of `imageIds`, `boardId` and `batchId`.",
      access: "all",
      body: jsonBody(newShareInput, { imageIds: [exampleId], note: "For the cover" }),
      answers: { 201: json(shareAnswer, "The new link.") },
      refusals: [404, 409],
    },
    "GET /api/v1/shares/:id": {
      summary: "Read a link",
      access: "read",
      answers: { 200: json(shareAnswer, "The link.") },
    },
    "PATCH /api/v1/shares/:id": {
      summary: "Change a link",
      words: "What is left out stays as it is; `password` null takes it away.",
      access: "all",
      body: jsonBody(shareChanges, { showPrompt: true, expires: null }),
      answers: { 200: json(shareAnswer, "The link.") },
      refusals: [409],
    },
    "DELETE /api/v1/shares/:id": {
      summary: "End a link",
      words: "For good, and at once.",
      access: "all",
      answers: { 200: json(shareAnswer, "The link, which has ended.") },
      refusals: [409],
    },
  },
};

export const publications: Resource = {
  name: "Gallery",
  words: "The public gallery. Where the server has none (`PUBLIC_GALLERY=off`), all of this is 404.",
  operations: {
    "GET /api/v1/publications": {
      summary: "List what is published",
      access: "anybody",
      query: pageQuery(20, { most: maxLimit }).extend({
        sort: z.enum(orders).default("newest"),
        mine: z.literal("1").optional().describe("One's own, in every state; needs a credential."),
      }),
      answers: { 200: json(publicationListAnswer, "A page of publications.", ["Link"]) },
      refusals: [404],
    },
    "POST /api/v1/publications": {
      summary: "Publish a picture",
      words: "Where the gallery is reviewed, a moderator looks first.",
      access: "all",
      body: jsonBody(newPublicationInput, { imageId: exampleId, title: "Fox at dawn" }),
      answers: { 201: json(publicationAnswer, "The new publication.") },
      refusals: [404, 409],
    },
    "GET /api/v1/publications/:id": {
      summary: "Read a publication",
      access: "anybody",
      answers: { 200: json(publicationAnswer, "The publication.") },
    },
    "PATCH /api/v1/publications/:id": {
      summary: "Change a publication",
      words: "What is left out stays as it is. New words are looked at like a new publication.",
      access: "all",
      body: jsonBody(publicationChanges, { title: "Fox at noon" }),
      answers: { 200: json(publicationAnswer, "The publication.") },
      refusals: [409],
    },
    "DELETE /api/v1/publications/:id": {
      summary: "Withdraw a publication",
      words: "For good.",
      access: "all",
      answers: { 200: done },
      refusals: [409],
    },
    "POST /api/v1/publications/:id/appeal": {
      summary: "Ask once that a refusal is looked at again",
      access: "all",
      body: jsonBody(appealInput, { text: "The photo is my own." }),
      answers: { 200: json(publicationAnswer, "The publication.") },
      refusals: [409],
    },
    "POST /api/v1/publications/:id/report": {
      summary: "Report a publication",
      words: "Whoever is signed in with a key needs one of scope `generate`.",
      access: "anybody",
      body: jsonBody(reportInput, { reason: "rights", text: "I made this." }),
      answers: { 202: json(reportedAnswer, "It is reported; the id tells later what came of it.") },
      refusals: [403, 409],
    },
    "POST /api/v1/publications/:id/decision": {
      summary: "Decide about a publication",
      words: "For moderators; about one's own, another one does.",
      access: "moderator",
      body: jsonBody(decisionInput, { state: "SHOWN" }),
      answers: { 200: json(publicationAnswer, "The publication.") },
      refusals: [403, 409],
    },
    "GET /api/v1/reports/:id": {
      summary: "Read what came of a report",
      access: "anybody",
      answers: { 200: json(reportAnswer, "The report.") },
    },
  },
};

export const hooks: Resource = {
  name: "Webhooks",
  words: "Addresses that are told of events, signed as Standard Webhooks has it. At most ten a person.",
  operations: {
    "GET /api/v1/hooks": {
      summary: "List webhooks",
      access: "all",
      answers: { 200: json(hookListAnswer, "All of them.") },
    },
    "POST /api/v1/hooks": {
      summary: "Make a webhook",
      access: "all",
      body: jsonBody(newHookInput, { url: "https://example.com/told", events: ["prompt.completed"] }),
      answers: { 201: json(newHookAnswer, "The new webhook with its secret, which is told this once.") },
      refusals: [409],
    },
    "GET /api/v1/hooks/:id": {
      summary: "Read a webhook",
      access: "all",
      answers: { 200: json(hookAnswer, "The webhook.") },
    },
    "PATCH /api/v1/hooks/:id": {
      summary: "Change a webhook",
      words: "What is left out stays as it is.",
      access: "all",
      body: jsonBody(hookChanges, { state: "OFF" }),
      answers: { 200: json(hookAnswer, "The webhook.") },
      refusals: [409],
    },
    "DELETE /api/v1/hooks/:id": {
      summary: "Delete a webhook",
      access: "all",
      answers: { 200: done },
      refusals: [409],
    },
    "POST /api/v1/hooks/:id/test": {
      summary: "Send a test",
      access: "all",
      body: noFields,
      answers: { 202: json(deliveryAnswer, "What is sent.") },
      refusals: [409],
    },
    "POST /api/v1/hooks/:id/rotate": {
      summary: "Replace a webhook's secret",
      words: "For 24 hours both sign.",
      access: "all",
      body: noFields,
      answers: { 200: json(hookSecretAnswer, "The new secret, which is told this once.") },
      refusals: [409],
    },
    "GET /api/v1/hooks/:id/deliveries": {
      summary: "List what was sent",
      words: "The newest first, a hundred at a time, for 30 days.",
      access: "all",
      query: z.object({
        before: z.string().optional().describe("The id of the last one of the page before."),
      }),
      answers: { 200: json(deliveryListAnswer, "A page of deliveries.") },
    },
    "POST /api/v1/hooks/deliveries/:id/again": {
      summary: "Send something once more",
      words: "With the same `webhook-id`.",
      access: "all",
      body: noFields,
      answers: { 202: json(deliveryAnswer, "What is sent.") },
      refusals: [409],
    },
  },
};
