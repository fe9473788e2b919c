"""A small local host for Azure Functions apps in Python, for people without Core Tools.

It is not the Functions host: `func start` is the reference. It reads routes, queues and schedules from the app's own
decorators and limits from host.json, hands values over through the converters of `azure.functions`, as Microsoft's
worker does, and keeps what an app can notice of the host: routing and keys, how bodies and headers arrive, queue
encodings, visibility, dequeue counts and poison queues, NCRONTAB and past-due timers.

Left out:
- every binding but HTTP, queue and timer triggers and the queue output; binding expressions in names (`{id}`; `%NAME%`
  is resolved); identity-based connections;
- retry policies, `functionTimeout` and the platform's 230 seconds; logging levels, health and concurrency of host.json;
- several instances: a timer takes no lease; scaling, proxies, CORS, `/admin` and the home page;
- encrypted settings, and what local.settings.json says besides `Values`;
- time zones: schedules are UTC, as on Linux plans.
Different: where several routes fit a path, the most literal one answers; a message in work when the host is stopped has
a second to finish and then, as after any crash, stays invisible for ten minutes.
"""
