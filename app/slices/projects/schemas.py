from app.schemas import Body, Resource, ShortText


class ProjectBody(Body):
    name: ShortText


class ProjectOut(Resource):
    name: str
