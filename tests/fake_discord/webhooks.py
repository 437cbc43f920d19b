"""REST endpoints for webhooks, which need no token, take no nonce and list no messages."""

from __future__ import annotations

from aiohttp import web

from tests.fake_discord import model, server, validation, wire

WEBHOOK = server.API + "/webhooks/{webhook_id:8[0-9]{17}}/{token}"
"""Other paths below `/webhooks` answer interactions and contain the application's id."""
routes = web.RouteTableDef()


def _require_webhook(request: web.Request) -> model.Webhook:
    webhook = request.app[server.FAKE].world.webhooks.get(int(request.match_info["webhook_id"]))
    if webhook is None or webhook.deleted:
        raise wire.ApiError(404, 10015, "Unknown Webhook")
    if webhook.token != request.match_info["token"]:
        raise wire.ApiError(401, 50027, "Invalid Webhook Token")
    return webhook


def _check(request: web.Request, payload: model.Json) -> None:
    fake = request.app[server.FAKE]
    fake.schemas.check("IncomingWebhookRequestPartial", payload)
    if request.query.get("with_components") != "true":
        payload = {**payload, "components": []}
    if any("custom_id" in component for component in validation.walk_components(payload["components"])):
        raise validation.invalid_form_body("components", "This webhook cannot send interactive components")
    validation.check_message(payload)


@routes.get(WEBHOOK)
async def get_webhook(request: web.Request) -> web.StreamResponse:
    webhook = _require_webhook(request)
    return server.json_response({"id": str(webhook.id), "type": 1, "channel_id": str(webhook.channel_id)})


@routes.post(WEBHOOK)
async def execute_webhook(request: web.Request) -> web.StreamResponse:
    """Create a message; a repeated request creates another. Without `wait` the answer is empty."""
    world = request.app[server.FAKE].world
    webhook, payload = _require_webhook(request), await server.read_payload(request)
    channel = world.channels[webhook.channel_id]
    _check(request, {"components": [], **payload})
    message = world.add_message(channel, payload)
    message.author_id = webhook.id
    if request.query.get("wait") != "true":
        return web.Response(status=204)
    return server.json_response(wire.render_message(message, world) | {"webhook_id": str(webhook.id)})
