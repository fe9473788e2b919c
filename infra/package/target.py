"""The machine that the package is made for: what Flex Consumption runs. infra/modules/app.bicep asks for the same."""

PYTHON = "3.13"
PLATFORM = "x86_64-manylinux_2_28"
# Where the worker looks for packages, and where the app lies; the latter is what tracebacks show.
SITE_PACKAGES = ".python_packages/lib/site-packages"
APP_FOLDER = "/home/site/wwwroot"
