"""Pictures of executions: `build_scene` says what to show, the ``render_`` functions how.

They return text; writing it to a file is up to the caller. `render_dot` needs the `graphviz` package, which
it imports when it is called.
"""

from mmcheck.report.draw.dot import render_dot
from mmcheck.report.draw.scene import Ghost, Highlight, Hop, Scene, build_scene
from mmcheck.report.draw.svg import render_svg
from mmcheck.report.draw.text import render_text

__all__ = ["Ghost", "Highlight", "Hop", "Scene", "build_scene", "render_dot", "render_svg", "render_text"]
