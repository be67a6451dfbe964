-- What skynet is told, after the examples that come with it.
--
--   SKYNET=FOLDER SERVICES=THIS_FOLDER LOG=FILE PORT=29000 THREADS=2 FOLDER/skynet config.lua

root = "$SKYNET/"
port = "$PORT"
thread = "$THREADS"
harbor = 0
logger = "$LOG"
bootstrap = "snlua bootstrap"
start = "main"
luaservice = root .. "service/?.lua;$SERVICES/?.lua"
lualoader = root .. "lualib/loader.lua"
lua_path = root .. "lualib/?.lua;" .. root .. "lualib/?/init.lua"
lua_cpath = root .. "luaclib/?.so"
cpath = root .. "cservice/?.so"
