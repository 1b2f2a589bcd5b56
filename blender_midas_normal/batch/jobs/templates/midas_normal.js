// Flamenco job type: goes into the folder `scripts` beside flamenco-manager. {midasNormal} is a variable of the manager's
// configuration: the path of the program midas-normal.
const JOB_TYPE = {
    label: "Maps of Pictures",
    description: "Normal, height, occlusion and curvature maps of the pictures that a list names",
    settings: [
        { key: "list", type: "string", subtype: "file_path", required: true, default: $list,
          description: "Text file on the shared storage with a picture on each line" },
        { key: "count", type: "int32", required: true, default: $count, propargs: { min: 1 },
          description: "Number of lines" },
        { key: "chunk_size", type: "int32", default: $chunk_size, propargs: { min: 1 }, visible: "submission",
          description: "Pictures of one task" },
        { key: "out", type: "string", subtype: "dir_path", required: true, default: $out,
          description: "Folder for the maps" },
        { key: "maps", type: "string", default: $maps, description: "Kinds of map, with commas between" },
        { key: "engine", type: "string", default: $engine, choices: $engines, description: "Engine" },
        { key: "options", type: "string", default: $options, description: "Other options, as on the command line" },
    ],
};

function compileJob(job) {
    const settings = job.settings;
    for (const lines of frameChunker("1-" + settings.count, settings.chunk_size)) {
        const task = author.Task("maps-" + lines, "misc");
        task.addCommand(author.Command("exec", {
            exe: "{midasNormal}",
            args: ["--list", settings.list, "--items", lines, "--out", settings.out, "--maps", settings.maps,
                   "--engine", settings.engine, "--existing", "skip", "--exit-zero"].concat(shellSplit(settings.options)),
        }));
        job.addTask(task);
    }
}
