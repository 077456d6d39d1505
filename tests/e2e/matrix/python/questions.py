"""What a server asks a client while it answers a call. How a question travels is the era's matter."""


def form(message, schema):
    """Has the user fill in a form."""
    return {"method": "elicitation/create", "params": {"mode": "form", "message": message, "requestedSchema": schema}}


def field(message, name):
    """A form with one field, which must be filled in."""
    return form(message, {"type": "object", "properties": {name: {"type": "string"}}, "required": [name]})


def link(message, url, identifier):
    """Sends the user to a URL."""
    params = {"mode": "url", "message": message, "url": url, "elicitationId": identifier}
    return {"method": "elicitation/create", "params": params}


def sample(prompt, **params):
    """Has the client's model answer."""
    messages = [{"role": "user", "content": {"type": "text", "text": prompt}}]
    return {"method": "sampling/createMessage", "params": {"messages": messages, **params}}


def roots():
    """Has the client list its roots."""
    return {"method": "roots/list"}
