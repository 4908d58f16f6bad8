from app.schemas import UNCHANGED, Body, Change, Resource, ShortText


class ProjectBody(Body):
    name: ShortText


class ProjectChange(Change):
    name: ShortText = UNCHANGED


class ProjectOut(Resource):
    name: str
