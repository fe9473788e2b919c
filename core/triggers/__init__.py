"""What the Functions host calls, with `function_app` the only code that knows `azure.functions`."""
