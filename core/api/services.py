"""The process's services, as routes ask for them."""

from typing import Annotated

from fastapi import Depends

from core.bootstrap import Services, services

ServicesDependency = Annotated[Services, Depends(services)]
