import { z } from "zod";
import { boardChanges, hiddenPromptsInput, memberInput, newBoardInput } from "../../../lib/boards/board.ts";
import { newRecipeInput, newVersionInput, recipeChanges } from "../../../lib/recipes/recipe.ts";
import {
  boardAnswer,
  boardImagesAnswer,
  boardListAnswer,
  hiddenPromptsAnswer,
  peopleAnswer,
} from "../../../views/json/board_json.ts";
import { commentAnswer, commentListAnswer } from "../../../views/json/comment_json.ts";
import {
  recipeAnswer,
  recipeListAnswer,
  recipeVersionsAnswer,
  savedVersionAnswer,
  versionConflictAnswer,
} from "../../../views/json/recipe_json.ts";
import { doneAnswer } from "../../../views/json/values.ts";
import { imagesInput } from "../../boards/boards.tsx";
import { changedComment, newComment } from "../../comments/comments.tsx";
import { maxLimit } from "../../http/list_query.ts";
import { done, json, jsonBody, pageQuery, type Resource } from "../operation.ts";

const boardOrDone = z.union([boardAnswer, doneAnswer]);
const exampleId = "01a20847-008a-7000-94b6-b48e82dd5e12";

export const boards: Resource = {
  name: "Boards",
  words: "Pictures that belong together, of one person or shared with others, and what is said of them. A " +
    "viewer looks, a commenter comments, an editor changes what is on it; an owner decides who is there.",
  operations: {
    "GET /api/v1/boards": {
      summary: "List boards",
      words: "One's own, then those that others share.",
      access: "read",
      query: pageQuery(50, { most: maxLimit }),
      answers: { 200: json(boardListAnswer, "A page of boards.", ["Link"]) },
    },
    "POST /api/v1/boards": {
      summary: "Make a board",
      access: "generate",
      body: jsonBody(newBoardInput, { name: "Foxes" }),
      answers: { 201: json(boardAnswer, "The new board.") },
      refusals: [409],
    },
    "GET /api/v1/boards/:id": {
      summary: "Read a board",
      access: "read",
      answers: { 200: json(boardAnswer, "The board.") },
    },
    "PATCH /api/v1/boards/:id": {
      summary: "Change a board",
      words: "What is left out stays as it is.",
      access: "generate",
      body: jsonBody(boardChanges, { name: "Foxes in snow" }),
      answers: { 200: json(boardAnswer, "The board.") },
      refusals: [409],
    },
    "DELETE /api/v1/boards/:id": {
      summary: "Delete a board",
      words: "Its pictures stay.",
      access: "generate",
      answers: { 200: done },
      refusals: [409],
    },
    "GET /api/v1/boards/:id/images": {
      summary: "List a board's pictures",
      access: "read",
      query: pageQuery(20, { most: maxLimit }),
      answers: { 200: json(boardImagesAnswer, "A page of pictures.", ["Link"]) },
    },
    "POST /api/v1/boards/:id/images": {
      summary: "Put pictures on a board",
      access: "generate",
      body: jsonBody(imagesInput, { imageIds: [exampleId] }),
      answers: { 200: json(boardAnswer, "The board.") },
      refusals: [409],
    },
    "DELETE /api/v1/boards/:id/images/:imageId": {
      summary: "Take a picture off a board",
      access: "generate",
      answers: { 200: json(boardOrDone, "The board; to somebody who has left it, that it is done.") },
      refusals: [409],
    },
    "PUT /api/v1/boards/:id/members/:userId": {
      summary: "Share a board with somebody",
      words: "Or give them another role. For its owner.",
      access: "all",
      body: jsonBody(memberInput, { role: "viewer" }),
      answers: { 200: json(boardAnswer, "The board.") },
      refusals: [409],
    },
    "DELETE /api/v1/boards/:id/members/:userId": {
      summary: "Share a board with somebody no more",
      words: "For its owner; anybody may leave.",
      access: "all",
      answers: { 200: json(boardOrDone, "The board; to somebody who leaves, that it is done.") },
      refusals: [409],
    },
    "GET /api/v1/boards/:id/people": {
      summary: "Find people to share a board with",
      access: "all",
      query: z.object({ name: z.string().optional().describe("How their name begins.") }),
      answers: { 200: json(peopleAnswer, "People of this server.") },
    },
    "GET /api/v1/boards/:id/hidden-prompts": {
      summary: "Read whether one's prompts are hidden there",
      access: "read",
      answers: { 200: json(hiddenPromptsAnswer, "Whether they are.") },
    },
    "PUT /api/v1/boards/:id/hidden-prompts": {
      summary: "Hide one's prompts on a board",
      words: "Others see one's pictures there without how they were made.",
      access: "generate",
      body: jsonBody(hiddenPromptsInput, { hidden: true }),
      answers: { 200: json(hiddenPromptsAnswer, "Whether they are.") },
      refusals: [409],
    },
    "GET /api/v1/boards/:id/comments": {
      summary: "List comments",
      words: "On a board and its pictures, or on one of them.",
      access: "read",
      query: pageQuery(20, { most: maxLimit }).extend({ imageId: z.string().optional() }),
      answers: { 200: json(commentListAnswer, "A page of comments.", ["Link"]) },
    },
    "POST /api/v1/boards/:id/comments": {
      summary: "Comment",
      access: "generate",
      body: jsonBody(newComment, { text: "The second one is the best." }),
      answers: { 201: json(commentAnswer, "The new comment.") },
      refusals: [409],
    },
    "PATCH /api/v1/comments/:id": {
      summary: "Change a comment",
      words: "For its author, for 15 minutes.",
      access: "generate",
      body: jsonBody(changedComment, { text: "The third one is the best." }),
      answers: { 200: json(commentAnswer, "The comment.") },
      refusals: [409],
    },
    "DELETE /api/v1/comments/:id": {
      summary: "Delete a comment",
      words: "For its author, and for whoever owns what it is about.",
      access: "generate",
      answers: { 200: done },
      refusals: [409],
    },
  },
};

export const recipes: Resource = {
  name: "Recipes",
  words: "Named prompts in versions that never change, for oneself or for the members of a board.",
  operations: {
    "GET /api/v1/recipes": {
      summary: "List recipes",
      access: "read",
      query: pageQuery(20, { most: maxLimit }),
      answers: { 200: json(recipeListAnswer, "A page of recipes with their latest versions.", ["Link"]) },
    },
    "POST /api/v1/recipes": {
      summary: "Make a recipe",
      access: "generate",
      body: jsonBody(newRecipeInput, {
        name: "Fox at dawn",
        text: "a red {subject} at dawn",
        settings: { imageSize: "1024x1024" },
      }),
      answers: { 201: json(recipeAnswer, "The new recipe.", ["Location"]) },
      refusals: [404, 409],
    },
    "GET /api/v1/recipes/:id": {
      summary: "Read a recipe",
      access: "read",
      answers: { 200: json(recipeAnswer, "The recipe with its latest hundred versions.") },
    },
    "PATCH /api/v1/recipes/:id": {
      summary: "Rename a recipe, or move it to a board",
      access: "generate",
      body: jsonBody(recipeChanges, { name: "Fox at noon" }),
      answers: { 200: json(recipeAnswer, "The recipe.") },
      refusals: [409],
    },
    "DELETE /api/v1/recipes/:id": {
      summary: "Delete a recipe",
      words: "What was made with it stays.",
      access: "generate",
      answers: { 200: done },
      refusals: [409],
    },
    "GET /api/v1/recipes/:id/versions": {
      summary: "List a recipe's versions",
      access: "read",
      query: pageQuery(20, { most: maxLimit }),
      answers: { 200: json(recipeVersionsAnswer, "A page of versions.", ["Link"]) },
    },
    "GET /api/v1/recipes/:id/versions/:n/comments": {
      summary: "List what is said of a version",
      access: "read",
      query: pageQuery(20, { most: maxLimit }),
      answers: { 200: json(commentListAnswer, "A page of comments.", ["Link"]) },
    },
    "POST /api/v1/recipes/:id/versions/:n/comments": {
      summary: "Say something of a version",
      access: "generate",
      body: jsonBody(changedComment, { text: "This one is warmer." }),
      answers: { 201: json(commentAnswer, "The new comment.") },
      refusals: [409],
    },
    "POST /api/v1/recipes/:id/versions": {
      summary: "Save a version",
      words:
        "Where somebody else saved meanwhile, both are put together; where that can't be, what was sent " +
        "is kept as a draft, which only its sender sees.",
      access: "generate",
      body: jsonBody(newVersionInput, { text: "a red {subject} at noon", basedOn: 1 }),
      answers: {
        201: json(
          savedVersionAnswer,
          "Its number, and whether what somebody else saved is in it (`merged`).",
        ),
        409: json(versionConflictAnswer, "Both have changed the same; what was sent is kept as a draft."),
      },
    },
  },
};
