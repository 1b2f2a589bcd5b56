// Runs a Flamenco job type with what Flamenco's manual promises a script: author, frameChunker, shellSplit.  A stand-in for the
// manager, which cannot be had here.  node flamenco_stub.js SCRIPT.js '{"setting": value}' prints a JSON object for each task.
"use strict";
const fs = require("fs"), vm = require("vm");

function frameChunker(range, size) {
    const [first, last] = range.split("-").map(Number), chunks = [];
    for (let start = first; start <= last; start += size) {
        const end = Math.min(start + size - 1, last);
        chunks.push(end === start ? `${start}` : end === start + 1 ? `${start},${end}` : `${start}-${end}`);
    }
    return chunks;
}

function shellSplit(text) {
    const words = text.match(/(?:[^\s"']|"[^"]*"|'[^']*')+/g) || [];
    return words.map((word) => word.replace(/"([^"]*)"|'([^']*)'/g, (_, double, single) => double ?? single));
}

const author = {
    Task: (name, type) => ({ name, type, commands: [], addCommand(command) { this.commands.push(command); } }),
    Command(name, parameters) {
        if (name !== "exec" || typeof parameters.exe !== "string" || !parameters.args.every((each) => typeof each === "string"))
            throw new Error("exec needs exe and args, all strings");
        return { name, parameters };
    },
};

const [file, given] = process.argv.slice(2);
const { JOB_TYPE, compileJob } = vm.runInNewContext(
    `"use strict";\n${fs.readFileSync(file, "utf8")}\n;({ JOB_TYPE, compileJob })`, { author, frameChunker, shellSplit });
for (const setting of JOB_TYPE.settings)
    if (!["string", "int32", "float", "bool"].includes(setting.type) || !setting.key) throw new Error(JSON.stringify(setting));
const settings = Object.fromEntries(JOB_TYPE.settings.map((each) => [each.key, each.default]));
const job = { settings: Object.assign(settings, JSON.parse(given)), tasks: [], addTask(task) { this.tasks.push(task); } };
compileJob(job);
for (const task of job.tasks) console.log(JSON.stringify(task));
