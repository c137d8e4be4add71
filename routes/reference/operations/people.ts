import { z } from "zod";
import { analyticsAnswer } from "../../../views/json/analytics_json.ts";
import { storageAnswer } from "../../../views/json/storage_json.ts";
import { healthAnswer, notReadyAnswer, readyAnswer } from "../../../views/json/health_json.ts";
import { meAnswer } from "../../../views/json/me_json.ts";
import { modelsAnswer } from "../../../views/json/model_json.ts";
import { noticeListAnswer } from "../../../views/json/notice_json.ts";
import { tokenAnswer } from "../../../views/json/token_json.ts";
import { usageAnswer } from "../../../views/json/usage_json.ts";
import { userAnswer, userListAnswer } from "../../../views/json/user_json.ts";
import { userChangesInput } from "../../admin/user_input.ts";
import { maxLimit } from "../../http/list_query.ts";
import { tokenInput } from "../../people/tokens.ts";
import { type Answer, done, json, jsonBody, pageQuery, type Resource, unchanged } from "../operation.ts";

export const account: Resource = {
  name: "You and your money",
  words: "Who asks, what can be asked for, and what was spent.",
  operations: {
    "GET /api/v1/me": {
      summary: "Read who asks, and their budget",
      access: "read",
      answers: { 200: json(meAnswer, "The account and its budget.") },
    },
    "GET /api/v1/models": {
      summary: "List models",
      words: "What each can do, and what it costs. `data` lists the same as OpenAI does.",
      access: "read",
      answers: { 200: json(modelsAnswer, "The models.") },
    },
    "GET /api/v1/usage": {
      summary: "Read a month's spend",
      access: "read",
      query: z.object({
        month: z.string().regex(/^\d{4}-(0[1-9]|1[0-2])$/).optional().meta({
          description: "Left out: this month (UTC).",
          examples: ["2026-11"],
        }),
      }),
      headers: ["If-None-Match"],
      answers: { 200: json(usageAnswer, "By day, and by model.", ["ETag"]), 304: unchanged },
    },
    "GET /api/v1/analytics": {
      summary: "Read numbers by day, person and model",
      access: "read",
      query: z.object({
        scope: z.enum(["mine", "all"]).default("mine").describe("`all` is for admins."),
        format: z.enum(["json", "csv"]).default("json"),
        from: z.iso.date().optional().describe("A day (UTC), at most 400 before `to`; usually the 30th."),
        to: z.iso.date().optional().describe("A day (UTC); left out: today."),
      }),
      answers: {
        200: {
          words: "The numbers, as JSON or as a table.",
          headers: ["Content-Disposition"],
          content: {
            "application/json": { schema: analyticsAnswer },
            "text/csv": { schema: z.string().describe("A table with a line of headings.") },
          },
        },
      },
      refusals: [404],
    },
    "GET /api/v1/storage": {
      summary: "Show how much one has stored",
      words: "And what of it goes, where this server keeps pictures for a while only.",
      access: "read",
      answers: { 200: json(storageAnswer, "What is stored, and what goes.") },
    },
    "GET /api/v1/notices": {
      summary: "List what one was told of",
      access: "read",
      query: pageQuery(20, { most: maxLimit }),
      headers: ["If-None-Match"],
      answers: {
        200: json(noticeListAnswer, "A page of notices, the newest first.", ["ETag", "Link"]),
        304: unchanged,
      },
    },
    "POST /api/v1/notices/seen": {
      summary: "Note that all was seen",
      access: "generate",
      answers: { 200: done },
    },
    "POST /api/v1/auth/token": {
      summary: "Get a token for fifteen minutes",
      words:
        "For an API key, a session, or an ID token from Google. It may do what that may, and dies with it. " +
        "Whoever checks it finds the keys at `/.well-known/jwks.json`.",
      access: "read",
      body: {
        isOptional: true,
        content: { "application/json": { schema: tokenInput, example: {} } },
      },
      answers: { 200: json(tokenAnswer, "The token.") },
      refusals: [403],
    },
  },
};

export const admin: Resource = {
  name: "For admins",
  words: "Who uses the server. To everybody else there is nothing here.",
  operations: {
    "GET /api/v1/users": {
      summary: "List users",
      access: "admin",
      query: pageQuery(50, { most: maxLimit }),
      answers: { 200: json(userListAnswer, "A page of users.", ["Link"]) },
    },
    "GET /api/v1/debug/users": {
      summary: "List users",
      words: "The same under its earlier address.",
      access: "admin",
      query: pageQuery(50, { most: maxLimit }),
      answers: { 200: json(userListAnswer, "A page of users.", ["Link"]) },
    },
    "PATCH /api/v1/users/:id": {
      summary: "Change a user",
      words: "What is left out stays as it is.",
      access: "admin's session",
      body: jsonBody(userChangesInput, { monthlyBudget: 25 }),
      answers: { 200: json(userAnswer, "The user.") },
      refusals: [409],
    },
  },
};

/** The description itself, which is there for everybody. */
export const describedAnswer: { [status: number]: Answer } = {
  200: json(
    z.looseObject({ openapi: z.string(), info: z.looseObject({}), paths: z.looseObject({}) }),
    "An OpenAPI 3.1 document.",
    ["ETag", "Cache-Control", "Access-Control-Allow-Origin"],
  ),
  304: unchanged,
};

export const server: Resource = {
  name: "The server",
  words: "For whatever watches it, and this description.",
  operations: {
    "GET /api/v1/health": {
      summary: "Ask whether the server lives",
      access: "anybody",
      answers: { 200: json(healthAnswer, "It does.") },
    },
    "GET /api/v1/ready": {
      summary: "Ask whether it takes requests",
      access: "anybody",
      answers: {
        200: json(readyAnswer, "Database and pictures answer."),
        503: json(notReadyAnswer, "Something does not answer, or the server stops."),
      },
    },
    "GET /api/v1/openapi.json": {
      summary: "Read this description",
      access: "anybody",
      headers: ["If-None-Match"],
      answers: describedAnswer,
    },
  },
};
