-- The service behind skynet's gate: each client's messages come here, and go back to it, with two
-- bytes of length before them, as the gate takes them.

local skynet = require "skynet"
local socket = require "skynet.socket"

local gate

skynet.register_protocol {
  name = "client",
  id = skynet.PTYPE_CLIENT,
  unpack = skynet.tostring,
  dispatch = function(client, _, box)
    skynet.ignoreret()
    socket.write(client, string.pack(">s2", box))
  end,
}

local commands = {}

function commands.listen(options)
  gate = skynet.newservice "gate"
  options.watchdog = skynet.self()
  skynet.ret(skynet.pack(skynet.call(gate, "lua", "open", options)))
end

-- What the gate tells of a client.
function commands.socket(what, client)
  if what == "open" then skynet.send(gate, "lua", "forward", client) end
end

skynet.start(function()
  skynet.dispatch("lua", function(_, _, command, ...) commands[command](...) end)
end)
