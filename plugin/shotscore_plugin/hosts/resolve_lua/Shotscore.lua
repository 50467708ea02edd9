-- Shotscore for DaVinci Resolve, every edition: run it from Workspace > Scripts > Edit.
--
-- It tells Shotscore what is on the open timeline, and does what Shotscore has left to do: put music in, or take it
-- out. Both go through files in one folder; nothing in them is ever run as code.
--
--   timeline.otio   the timeline, exported by Resolve            state.txt    its name, rate, start, playhead
--   job.txt         what Shotscore asks for                      result.txt   what stands on the timeline afterwards

local FOLDER = "@FOLDER@"
local MARK, BIN, VERSION = "shotscore", "Shotscore", "1"

local api = resolve or (Resolve and Resolve()) or (app and app:GetResolve())

local function path(name) return FOLDER .. "/" .. name end

local function plain(value) return (tostring(value == nil and "" or value):gsub("[\t\r\n]", " ")) end

-- Whole or not at all: Shotscore waits for the file's name.
local function write(name, rows)
  local file = assert(io.open(path(name) .. ".part", "wb"))
  for _, row in ipairs(rows) do
    local cells = {}
    for index, cell in ipairs(row) do cells[index] = plain(cell) end
    file:write(table.concat(cells, "\t"), "\n")
  end
  file:close()
  os.remove(path(name))
  assert(os.rename(path(name) .. ".part", path(name)))
end

local function read(name)
  local file = io.open(path(name), "rb")
  if not file then return nil end
  local rows = {}
  for line in file:lines() do
    local row = {}
    for cell in (line:gsub("\r$", "") .. "\t"):gmatch("([^\t]*)\t") do row[#row + 1] = cell end
    rows[#rows + 1] = row
  end
  file:close()
  return rows
end

local function exists(name)
  local file = io.open(name, "rb")
  if file then file:close() end
  return file ~= nil
end

-- Lists are tables numbered from 1; nothing is nil.
local function list(answer)
  local found = {}
  for _, item in pairs(answer or {}) do found[#found + 1] = item end
  return found
end

local function our_file(item)
  local media = item:GetMediaPoolItem()
  local said = media and media:GetThirdPartyMetadata(MARK)
  if type(said) == "table" then said = said[MARK] end
  return said ~= nil and said ~= "" and said or nil
end

local function items(timeline, index) return list(timeline:GetItemListInTrack("audio", index)) end

local function is_ours(timeline, index)
  local here = items(timeline, index)
  for _, item in ipairs(here) do
    if not our_file(item) then return false end
  end
  return #here > 0
end

local function standing(timeline)
  local rows, start = {}, timeline:GetStartFrame()
  for index = 1, timeline:GetTrackCount("audio") do
    for _, item in ipairs(items(timeline, index)) do
      local file = our_file(item)
      if file then
        rows[#rows + 1] = { "standing", timeline:GetTrackName("audio", index), item:GetName(), file,
          item:GetStart() - start, item:GetDuration(), item:GetLeftOffset() }
      end
    end
  end
  return rows
end

local function bin(pool, make)
  local root = pool:GetRootFolder()
  for _, folder in ipairs(list(root:GetSubFolderList())) do
    if folder:GetName() == BIN then return folder end
  end
  return make and pool:AddSubFolder(root, BIN) or nil
end

local function remove(timeline, pool)
  for index = timeline:GetTrackCount("audio"), 1, -1 do
    local ours = {}
    for _, item in ipairs(items(timeline, index)) do
      if our_file(item) then ours[#ours + 1] = item end
    end
    if is_ours(timeline, index) then
      timeline:DeleteTrack("audio", index)
    elseif #ours > 0 then
      timeline:DeleteClips(ours, false)
    end
  end
  for _, marker in pairs(timeline:GetMarkers() or {}) do
    local data = tostring(marker.customData or "")
    if data:sub(1, #MARK + 1) == MARK .. ":" then timeline:DeleteMarkerByCustomData(data) end
  end
  local folder = bin(pool, false)
  if folder then
    local old = {}
    for _, item in ipairs(list(folder:GetClipList())) do
      local said = item:GetThirdPartyMetadata(MARK)
      if type(said) == "table" then said = said[MARK] end
      if said ~= nil and said ~= "" then old[#old + 1] = item end
    end
    if #old > 0 then pool:DeleteClips(old) end
    if #list(folder:GetClipList()) == 0 and #list(folder:GetSubFolderList()) == 0 then pool:DeleteFolders({ folder }) end
  end
end

local function backup(manager, project)
  local number, name = 1, nil
  repeat
    name = path("before-" .. project:GetName():gsub("[^%w_-]+", "-") .. "-" .. number .. ".drp")
    number = number + 1
  until not exists(name)
  manager:SaveProject()
  manager:ExportProject(project:GetName(), name, false)
  if not exists(name) then error("Resolve exported no copy of the project, so nothing was changed; save it and try again.", 0) end
  return name
end

local function append(timeline, pool, index, clip, item, extra)
  pool:AppendToTimeline({ {
    mediaPoolItem = item, startFrame = clip.skipped, endFrame = clip.skipped + clip.frames + extra,
    mediaType = 2, trackIndex = index, recordFrame = timeline:GetStartFrame() + clip.start,
  } })
end

local function insert(timeline, pool, job)
  local before, folder, files, wanted = pool:GetCurrentFolder(), bin(pool, true), {}, {}
  for _, clip in ipairs(job.clips) do
    if not exists(clip.path) then error(clip.path .. " does not exist; render the music again.", 0) end
    if not wanted[clip.path] then
      wanted[clip.path] = true
      files[#files + 1] = clip.path
    end
  end
  pool:SetCurrentFolder(folder)
  pool:ImportMedia(files)
  local media = {}
  for _, item in ipairs(list(folder:GetClipList())) do
    local name = tostring(item:GetClipProperty("File Path")):gsub("\\", "/")
    if wanted[name] then
      item:SetThirdPartyMetadata(MARK, name)
      media[name] = item
    end
  end
  pool:SetCurrentFolder(before)
  local tracks = {}
  for _, clip in ipairs(job.clips) do
    if not media[clip.path] then error("Resolve did not import " .. clip.path .. ".", 0) end
    if not tracks[clip.stem] then
      local count = timeline:GetTrackCount("audio")
      timeline:AddTrack("audio", { audioType = "stereo" })
      local index = timeline:GetTrackCount("audio")
      if index ~= count + 1 then error("Resolve added no audio track for " .. clip.stem .. ".", 0) end
      timeline:SetTrackName("audio", index, clip.stem)
      tracks[clip.stem] = index
    end
    local index = tracks[clip.stem]
    append(timeline, pool, index, clip, media[clip.path], 0)
    local last
    for _, item in ipairs(items(timeline, index)) do
      if our_file(item) == clip.path then last = item end
    end
    local lasting = last and last:GetDuration() or clip.frames
    if lasting ~= clip.frames then -- versions differ in whether endFrame is included
      timeline:DeleteClips({ last }, false)
      append(timeline, pool, index, clip, media[clip.path], clip.frames - lasting)
    end
  end
  for _, marker in ipairs(job.markers) do
    timeline:AddMarker(marker.frame, "Purple", marker.text, "Shotscore", 1, MARK .. ":" .. marker.frame)
  end
end

local function parse(rows)
  local job = { clips = {}, markers = {} }
  for _, row in ipairs(rows) do
    if row[1] == "job" then
      job.version, job.id, job.kind, job.timeline = row[2], row[3], row[4], row[5]
    elseif row[1] == "clip" then
      job.clips[#job.clips + 1] = { stem = row[2], path = row[3], start = tonumber(row[4]), frames = tonumber(row[5]),
        skipped = tonumber(row[6]) }
    elseif row[1] == "marker" then
      job.markers[#job.markers + 1] = { frame = tonumber(row[2]), text = row[3] }
    end
  end
  return job
end

local function tell(timeline, project)
  os.remove(path("timeline.otio"))
  timeline:Export(path("timeline.otio"), api.EXPORT_OTIO, api.EXPORT_NONE)
  local ours = {}
  for index = 1, timeline:GetTrackCount("audio") do
    if is_ours(timeline, index) then ours[#ours + 1] = index end
  end
  write("state.txt", {
    { "state", VERSION, os.time() }, { "project", project:GetName() }, { "timeline", timeline:GetName() },
    { "rate", timeline:GetSetting("timelineFrameRate") }, { "drop", timeline:GetSetting("timelineDropFrameTimecode") },
    { "start", timeline:GetStartFrame() }, { "playhead", timeline:GetCurrentTimecode() },
    { "ours", table.concat(ours, ",") }, { "exported", exists(path("timeline.otio")) and 1 or 0 },
  })
end

local manager = api:GetProjectManager()
local project = manager:GetCurrentProject()
local timeline = project and project:GetCurrentTimeline()
if not timeline then
  print("Shotscore: open a timeline first.")
  return
end

local rows = read("job.txt")
if rows then
  local job, saved = parse(rows), ""
  local fine, problem = pcall(function()
    if job.version ~= VERSION then error("This script is of another version; run `shotscore hosts install resolve`.", 0) end
    if job.timeline ~= plain(timeline:GetName()) then
      error("The music is for the timeline " .. job.timeline .. "; open that one and run the script again.", 0)
    end
    local pool = project:GetMediaPool()
    if job.kind == "insert" and #standing(timeline) == 0 then saved = backup(manager, project) end
    remove(timeline, pool)
    if job.kind == "insert" then insert(timeline, pool, job) end
  end)
  local answer = standing(timeline)
  table.insert(answer, 1, { "result", VERSION, job.id, fine and "done" or "failed", fine and "" or problem, saved })
  tell(timeline, project)
  write("result.txt", answer)
  os.remove(path("job.txt"))
  print(fine and "Shotscore: done." or ("Shotscore: " .. tostring(problem)))
else
  write("result.txt", standing(timeline))
  tell(timeline, project)
  print("Shotscore: the timeline was read.")
end
