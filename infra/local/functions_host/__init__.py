"""A small local host for Azure Functions apps in Python, for machines without Core Tools.

It is not the Functions host: `func start` is the reference. It reads routes, queues and schedules from the app's own
decorators and limits from host.json, and keeps the semantics an app meets: keys and 401, 404 for a wrong method, body
and header rules, queue encodings, visibility, dequeue counts and poison queues, NCRONTAB and past-due timers.

Left out: output bindings, retry policies, dependency on the extension bundle, function-specific keys, scaling, and
every trigger but HTTP, queue and timer.
"""
