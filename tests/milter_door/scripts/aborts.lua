-- A message is dropped at every point, by ABORT and by the end of the connection; then one is sent.

local function connect()
    local conn = mt.connect(place)
    if conn == nil then error("nobody listens at " .. place) end
    if mt.conninfo(conn, "client.example", "192.0.2.7") ~= nil then error("connect") end
    if mt.helo(conn, "client.example") ~= nil then error("helo") end
    return conn
end

local steps = {
    function(conn) return mt.mailfrom(conn, "<anna@example.com>") end,
    function(conn) return mt.rcptto(conn, "<+12125550123@fax.example.com>") end,
    function(conn) return mt.data(conn) end,
    function(conn) return mt.header(conn, "Subject", "x") end,
    function(conn) return mt.eoh(conn) end,
    function(conn) return mt.bodystring(conn, "half a mess") end,
}

local function go(conn, length)
    for step = 1, length do
        local fault = steps[step](conn)
        if fault ~= nil then error("step " .. step .. ": " .. fault) end
    end
end

local conn = connect()
for length = 0, #steps do
    go(conn, length)
    if mt.abort(conn) ~= nil then error("abort after " .. length) end
    local other = connect()
    go(other, length)
    mt.disconnect(other, length % 2 == 0)
end
go(conn, #steps)
if mt.eom(conn) ~= nil then error("end") end
if mt.getreply(conn) ~= SMFIR_DISCARD then error("not taken: " .. mt.getreply(conn)) end
mt.disconnect(conn)
