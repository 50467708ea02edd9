"""Runs the Lua script of the free edition as Resolve's menu does, over the stand-in of its API."""

from pathlib import Path
from typing import Any

from lupa.lua51 import LuaRuntime, lua_type
from resolve_stand_in import Resolve, Thing
from shotscore_plugin.hosts import resolve_files

WRAP = """
function(call, lacks)
  return function(thing)
    return setmetatable({}, {
      thing = thing,
      __index = function(_, name)
        if lacks(thing, name) then return nil end
        local value = call(thing, name)
        if type(value) ~= "function" then return value end
        return function(_, ...) return value(...) end
      end,
    })
  end
end
"""


def run_script(resolve: Resolve, folder: Path) -> list[str]:
    """Run it once; what it printed."""
    lua = LuaRuntime(unpack_returned_tuples=True, register_eval=False, encoding="utf-8")
    printed: list[str] = []
    things: dict[int, Any] = {}
    thing_of = lua.eval("function(wrapped) local m = getmetatable(wrapped) return m and m.thing end")

    def to_lua(value: Any) -> Any:
        if isinstance(value, Thing):
            return things.setdefault(id(value), wrap(value))
        if isinstance(value, list):
            return lua.table_from([to_lua(one) for one in value])
        if isinstance(value, dict):
            return lua.table_from({key: to_lua(one) for key, one in value.items()})
        return value

    def to_python(value: Any) -> Any:
        if lua_type(value) != "table":
            return value
        thing = thing_of(value)
        if thing is not None:
            return thing
        found = {key: to_python(one) for key, one in value.items()}
        return list(found.values()) if found and set(found) == set(range(1, len(found) + 1)) else found

    def member(thing: Thing, name: str) -> Any:
        value = getattr(thing, name)
        if not callable(value):
            return to_lua(value)
        # A Lua function, so that the script meets what Resolve gives it, not Python's objects.
        return lua.eval("function(f) return function(...) return f(...) end end")(
            lambda *values: to_lua(value(*(to_python(one) for one in values)))
        )

    wrap = lua.eval(WRAP)(member, lambda thing, name: getattr(thing, name) is None)
    lua.globals().resolve = to_lua(resolve)
    lua.globals().print = lambda *values: printed.append(" ".join(map(str, values)))
    lua.execute(resolve_files.script(folder).decode())
    return printed
