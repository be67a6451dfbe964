-- Starts skynet's gate and the service behind it, and says "ready 127.0.0.1:PORT".

local skynet = require "skynet"

skynet.start(function()
  local port = tonumber(skynet.getenv "port")
  local echo = skynet.newservice "echo"
  skynet.call(echo, "lua", "listen", {
    address = "127.0.0.1",
    port = port,
    maxclient = 60000,
    backlog = 1024,
    nodelay = true,
  })
  print("ready 127.0.0.1:" .. port)
  io.stdout:flush()
  skynet.exit()
end)
