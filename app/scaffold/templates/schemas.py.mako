from datetime import date, datetime
from decimal import Decimal
from typing import Annotated, Any, Literal
from uuid import UUID

from app.schemas import UNCHANGED, Body, Change, Id, Resource, ShortText, Trimmed
from app.values import Day, Digits, Document, Flag, Key, Moment, Whole

% for field in s.enums:
${field.body} = Literal[${", ".join(f'"{value}"' for value in field.values)}]
% endfor


class ${names.noun}Body(Body):
% for field in fields:
    ${field.name}: ${field.body}${field.maybe}${" = None" if field.nullable else ""}
% endfor


class ${names.noun}Change(Change):
% for field in fields:
    ${field.name}: ${field.body}${field.maybe} = UNCHANGED
% endfor


class ${names.noun}Out(Resource):
% for field in fields:
    ${field.name}: ${field.body if field.values else "Id" if field.python == "UUID" else field.python}${field.maybe}
% endfor
