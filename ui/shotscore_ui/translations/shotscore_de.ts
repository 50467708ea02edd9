<?xml version="1.0" encoding="utf-8"?>
<!DOCTYPE TS>
<TS version="2.1" language="de_DE">
    <context>
        <name />
        <message>
            <source>{0} bars as they were</source>
            <translation>{0} Takte wie zuvor</translation>
        </message>
        <message>
            <source>{0} moved with their picture</source>
            <translation>{0} mit ihrem Bild verschoben</translation>
        </message>
        <message>
            <source>{0} a little faster or slower</source>
            <translation>{0} etwas schneller oder langsamer</translation>
        </message>
        <message>
            <source>{0} written anew</source>
            <translation>{0} neu geschrieben</translation>
        </message>
        <message>
            <source>The music has followed the recut: {0}.</source>
            <translation>Die Musik ist dem neuen Schnitt gefolgt: {0}.</translation>
        </message>
        <message>
            <source>nothing to change</source>
            <translation>nichts zu ändern</translation>
        </message>
        <message>
            <source>Locks gone with their picture: {0}.</source>
            <translation>Mit ihrem Bild entfallene Sperren: {0}.</translation>
        </message>
        <message>
            <source>as they were</source>
            <translation>wie zuvor</translation>
        </message>
        <message>
            <source>moved with their picture</source>
            <translation>mit ihrem Bild verschoben</translation>
        </message>
        <message>
            <source>a little faster or slower</source>
            <translation>etwas schneller oder langsamer</translation>
        </message>
        <message>
            <source>written anew</source>
            <translation>neu geschrieben</translation>
        </message>
        <message>
            <source>{0}, bars {1}: {2}</source>
            <translation>{0}, Takte {1}: {2}</translation>
        </message>
        <message>
            <source>met</source>
            <translation>getroffen</translation>
        </message>
        <message>
            <source>nearly met</source>
            <translation>fast getroffen</translation>
        </message>
        <message>
            <source>missed</source>
            <translation>verfehlt</translation>
        </message>
        <message>
            <source>ignored</source>
            <translation>ohne Gewicht</translation>
        </message>
        <message>
            <source>{0}, new hit at frame {1}: {2} frames off, {3}</source>
            <translation>{0}, neuer Hitpoint bei Bild {1}: Abweichung {2} Bilder, {3}</translation>
        </message>
        <message>
            <source>new</source>
            <translation>neu</translation>
        </message>
        <message>
            <source>, {0} frames from where it was</source>
            <translation>, {0} Bilder gegenüber vorher</translation>
        </message>
        <message>
            <source>{0}, hit at frame {1}: {2} → {3} frames off, {4}</source>
            <translation>{0}, Hitpoint bei Bild {1}: Abweichung {2} → {3} Bilder, {4}</translation>
        </message>
        <message>
            <source>moved</source>
            <translation>verschoben</translation>
        </message>
        <message>
            <source>trimmed</source>
            <translation>getrimmt</translation>
        </message>
        <message>
            <source>slipped</source>
            <translation>Inhalt verschoben</translation>
        </message>
        <message>
            <source>deleted</source>
            <translation>gelöscht</translation>
        </message>
        <message>
            <source>Shot {0} of before: {1}</source>
            <translation>Shot {0} von vorher: {1}</translation>
        </message>
        <message>
            <source>Shot {0}: {1}</source>
            <translation>Shot {0}: {1}</translation>
        </message>
        <message>
            <source>Open a timeline or video</source>
            <translation>Timeline oder Video öffnen</translation>
        </message>
        <message>
            <source>Do what the main button says</source>
            <translation>Ausführen, was auf der Haupttaste steht</translation>
        </message>
        <message>
            <source>Score the whole cue again</source>
            <translation>Ganzen Cue neu vertonen</translation>
        </message>
        <message>
            <source>Regenerate the selected shots</source>
            <translation>Ausgewählte Shots neu erzeugen</translation>
        </message>
        <message>
            <source>Export</source>
            <translation>Exportieren</translation>
        </message>
        <message>
            <source>Insert into the editor</source>
            <translation>In das Schnittprogramm einsetzen</translation>
        </message>
        <message>
            <source>Read the picture again</source>
            <translation>Bild neu einlesen</translation>
        </message>
        <message>
            <source>Undo</source>
            <translation>Rückgängig</translation>
        </message>
        <message>
            <source>Redo</source>
            <translation>Wiederholen</translation>
        </message>
        <message>
            <source>Play; again for faster</source>
            <translation>Abspielen; noch einmal: schneller</translation>
        </message>
        <message>
            <source>Stop</source>
            <translation>Stopp</translation>
        </message>
        <message>
            <source>Play backwards; again for faster</source>
            <translation>Rückwärts abspielen; noch einmal: schneller</translation>
        </message>
        <message>
            <source>To the start</source>
            <translation>Zum Anfang</translation>
        </message>
        <message>
            <source>To the end</source>
            <translation>Zum Ende</translation>
        </message>
        <message>
            <source>Loop the selection</source>
            <translation>Auswahl als Schleife</translation>
        </message>
        <message>
            <source>To the timeline</source>
            <translation>Zur Timeline</translation>
        </message>
        <message>
            <source>To the inspector</source>
            <translation>Zum Inspektor</translation>
        </message>
        <message>
            <source>To the takes</source>
            <translation>Zu den Takes</translation>
        </message>
        <message>
            <source>To the mixer</source>
            <translation>Zum Mischpult</translation>
        </message>
        <message>
            <source>To the player</source>
            <translation>Zum Player</translation>
        </message>
        <message>
            <source>To the piano roll</source>
            <translation>Zur Pianorolle</translation>
        </message>
        <message>
            <source>What is wrong?</source>
            <translation>Was stimmt nicht?</translation>
        </message>
        <message>
            <source>Settings</source>
            <translation>Einstellungen</translation>
        </message>
        <message>
            <source>All keys</source>
            <translation>Alle Tasten</translation>
        </message>
        <message>
            <source>Close</source>
            <translation>Schließen</translation>
        </message>
        <message>
            <source>Esc</source>
            <translation>Esc</translation>
        </message>
        <message>
            <source>Stop what runs; close the message; select nothing</source>
            <translation>Laufendes stoppen; Meldung schließen; nichts auswählen</translation>
        </message>
        <message>
            <source>Space</source>
            <translation>Leertaste</translation>
        </message>
        <message>
            <source>Play or pause, over the timeline</source>
            <translation>Abspielen oder Pause, über der Timeline</translation>
        </message>
        <message>
            <source>Arrows</source>
            <translation>Pfeile</translation>
        </message>
        <message>
            <source>Timeline: a frame; with Shift a second; up and down the cuts</source>
            <translation>Timeline: ein Bild; mit Umschalt eine Sekunde; auf und ab zum Schnitt</translation>
        </message>
        <message>
            <source>Ctrl+arrows</source>
            <translation>Strg+Pfeile</translation>
        </message>
        <message>
            <source>Timeline: select shots, with Shift more; up and down their energy</source>
            <translation>Timeline: Shots auswählen, mit Umschalt mehr; auf und ab ihre Energie</translation>
        </message>
        <message>
            <source>Ctrl+A, Ctrl+L</source>
            <translation>Strg+A, Strg+L</translation>
        </message>
        <message>
            <source>Timeline: select all shots; lock the selected ones</source>
            <translation>Timeline: alle Shots auswählen; die ausgewählten sperren</translation>
        </message>
        <message>
            <source>Comma, period</source>
            <translation>Komma, Punkt</translation>
        </message>
        <message>
            <source>Timeline: the hit before or after</source>
            <translation>Timeline: voriger oder nächster Hitpoint</translation>
        </message>
        <message>
            <source>Alt+arrows, M, H</source>
            <translation>Alt+Pfeile, M, H</translation>
        </message>
        <message>
            <source>Timeline: move or weigh a hit, mute it, add one</source>
            <translation>Timeline: Hitpoint verschieben oder gewichten, abschalten, setzen</translation>
        </message>
        <message>
            <source>I, O</source>
            <translation>I, O</translation>
        </message>
        <message>
            <source>Timeline: move the beginning or end of the cue; Enter sets it</source>
            <translation>Timeline: Anfang oder Ende des Cues verschieben; Eingabe setzt</translation>
        </message>
        <message>
            <source>+ - 0 Z</source>
            <translation>+ - 0 Z</translation>
        </message>
        <message>
            <source>Timeline: zoom, whole film, selection</source>
            <translation>Timeline: Zoom, ganzer Film, Auswahl</translation>
        </message>
        <message>
            <source>Draw here how much should happen in the music</source>
            <translation>Hier einzeichnen, wie viel in der Musik geschehen soll</translation>
        </message>
        <message>
            <source>The beginning of {0} would be at {1}. Arrows move it, Enter sets it, Escape leaves it.</source>
            <translation>Der Anfang von {0} läge bei {1}. Pfeile verschieben ihn, Eingabe setzt ihn, Escape lässt ihn.</translation>
        </message>
        <message>
            <source>The end of {0} would be at {1}. Arrows move it, Enter sets it, Escape leaves it.</source>
            <translation>Das Ende von {0} läge bei {1}. Pfeile verschieben es, Eingabe setzt es, Escape lässt es.</translation>
        </message>
        <message>
            <source>weight {0}</source>
            <translation>Gewicht {0}</translation>
        </message>
        <message>
            <source>Add a hit here</source>
            <translation>Hitpoint hier setzen</translation>
        </message>
        <message>
            <source>Take the drawn curve away</source>
            <translation>Gezeichnete Kurve entfernen</translation>
        </message>
        <message>
            <source>Move its beginning</source>
            <translation>Anfang verschieben</translation>
        </message>
        <message>
            <source>Move its end</source>
            <translation>Ende verschieben</translation>
        </message>
        <message>
            <source>Select all shots</source>
            <translation>Alle Shots auswählen</translation>
        </message>
        <message>
            <source>Show the whole film</source>
            <translation>Ganzen Film zeigen</translation>
        </message>
        <message>
            <source>Unmute this hit</source>
            <translation>Hitpoint wieder einschalten</translation>
        </message>
        <message>
            <source>Mute this hit</source>
            <translation>Hitpoint abschalten</translation>
        </message>
        <message>
            <source>Must be met</source>
            <translation>Muss getroffen werden</translation>
        </message>
        <message>
            <source>Nice to meet</source>
            <translation>Wäre schön zu treffen</translation>
        </message>
        <message>
            <source>Regenerate these shots</source>
            <translation>Diese Shots neu erzeugen</translation>
        </message>
        <message>
            <source>Regenerate this shot</source>
            <translation>Diesen Shot neu erzeugen</translation>
        </message>
        <message>
            <source>Lock or unlock them</source>
            <translation>Sperren oder entsperren</translation>
        </message>
        <message>
            <source>Zoom to the selection</source>
            <translation>Auf die Auswahl zoomen</translation>
        </message>
        <message>
            <source>Select nothing</source>
            <translation>Nichts auswählen</translation>
        </message>
        <message>
            <source>offline</source>
            <translation>offline</translation>
        </message>
        <message>
            <source>not scored yet</source>
            <translation>noch nicht vertont</translation>
        </message>
        <message>
            <source>locked</source>
            <translation>gesperrt</translation>
        </message>
        <message>
            <source>melody</source>
            <translation>Melodie</translation>
        </message>
        <message>
            <source>counter-melody</source>
            <translation>Gegenstimme</translation>
        </message>
        <message>
            <source>harmony</source>
            <translation>Harmonie</translation>
        </message>
        <message>
            <source>{0} shots; the playhead is at {1}.</source>
            <translation>{0} Shots; die Abspielposition ist {1}.</translation>
        </message>
        <message>
            <source>Shot {0}, {1}, is selected.</source>
            <translation>Shot {0}, {1}, ist ausgewählt.</translation>
        </message>
        <message>
            <source>Shots {0} to {1} are selected.</source>
            <translation>Die Shots {0} bis {1} sind ausgewählt.</translation>
        </message>
        <message>
            <source>Hit at {0}: {1}, weight {2}</source>
            <translation>Hitpoint bei {0}: {1}, Gewicht {2}</translation>
        </message>
        <message>
            <source>, the beat comes {0} frames off</source>
            <translation>, der Schlag liegt {0} Bilder daneben</translation>
        </message>
        <message>
            <source>Shot {0}: {1}
{2}, {3} s</source>
            <translation>Shot {0}: {1}
{2}, {3} s</translation>
        </message>
        <message>
            <source>
Its media is offline.</source>
            <translation>
Sein Medium ist offline.</translation>
        </message>
        <message>
            <source>{0} BPM</source>
            <translation>{0} BPM</translation>
        </message>
        <message>
            <source>Click to lock the selected shots.</source>
            <translation>Klicken, um die ausgewählten Shots zu sperren.</translation>
        </message>
        <message>
            <source>every part</source>
            <translation>alle Stimmen</translation>
        </message>
        <message>
            <source>Locked: {0}. Click to unlock.</source>
            <translation>Gesperrt: {0}. Klicken entsperrt.</translation>
        </message>
        <message>
            <source>Draw how much should happen; what the picture says is dashed.</source>
            <translation>Einzeichnen, wie viel geschehen soll; was das Bild sagt, ist gestrichelt.</translation>
        </message>
        <message>
            <source>Timecode. Drag to move the playhead; double-click shows the whole film.</source>
            <translation>Timecode. Ziehen bewegt die Abspielposition; Doppelklick zeigt den ganzen Film.</translation>
        </message>
        <message>
            <source>Cues. Click to choose one, double-click to zoom to it. Drag an edge to begin or end it elsewhere: the music stays where its picture is. Shift lets it overlap another cue, Alt passes cuts by.</source>
            <translation>Cues. Klicken wählt einen, Doppelklick zoomt auf ihn. Eine Kante ziehen, damit er woanders beginnt oder endet: Die Musik bleibt bei ihrem Bild. Mit Umschalt darf er andere Cues überlappen, mit Alt rastet er nicht an Schnitten ein.</translation>
        </message>
        <message>
            <source>Shots. Click and drag to select; dashed cuts were found inside a clip.</source>
            <translation>Shots. Klicken und Ziehen wählt aus; gestrichelte Schnitte wurden in einem Clip gefunden.</translation>
        </message>
        <message>
            <source>Hits, by weight: disc met, diamond nearly, cross missed, dot ignored, ring not scored yet.
Drag sideways to move, up and down to weigh; double-click adds one or mutes it.
Where they crowd, bars show shares: full is met, striped nearly, checked missed.</source>
            <translation>Hitpoints nach Gewicht: Scheibe getroffen, Raute fast, Kreuz verfehlt, Punkt ohne Gewicht, Ring noch nicht vertont.
Seitwärts ziehen verschiebt, auf und ab gewichtet; Doppelklick setzt einen oder schaltet ihn ab.
Wo sie sich drängen, zeigen Balken Anteile: voll getroffen, gestreift fast, kariert verfehlt.</translation>
        </message>
        <message>
            <source>Bars and beats of the music. Drag to move the playhead.</source>
            <translation>Takte und Schläge der Musik. Ziehen bewegt die Abspielposition.</translation>
        </message>
        <message>
            <source>Tempo in quarter notes a minute.</source>
            <translation>Tempo in Vierteln pro Minute.</translation>
        </message>
        <message>
            <source>Where someone speaks.</source>
            <translation>Wo jemand spricht.</translation>
        </message>
        <message>
            <source>The music of the take in use.</source>
            <translation>Die Musik des verwendeten Takes.</translation>
        </message>
        <message>
            <source>How much happens: dashed as the picture has it, solid as you drew it.</source>
            <translation>Wie viel geschieht: gestrichelt nach dem Bild, durchgezogen wie gezeichnet.</translation>
        </message>
        <message>
            <source>What stays when the rest is made anew. Click to lock the selection, or to unlock.</source>
            <translation>Was bleibt, wenn der Rest neu entsteht. Klicken sperrt die Auswahl oder entsperrt.</translation>
        </message>
        <message>
            <source>Time</source>
            <translation>Zeit</translation>
        </message>
        <message>
            <source>Cue</source>
            <translation>Cue</translation>
        </message>
        <message>
            <source>Shots</source>
            <translation>Shots</translation>
        </message>
        <message>
            <source>Hits</source>
            <translation>Hitpoints</translation>
        </message>
        <message>
            <source>Bars</source>
            <translation>Takte</translation>
        </message>
        <message>
            <source>Tempo</source>
            <translation>Tempo</translation>
        </message>
        <message>
            <source>Dialogue</source>
            <translation>Dialog</translation>
        </message>
        <message>
            <source>Music</source>
            <translation>Musik</translation>
        </message>
        <message>
            <source>Energy</source>
            <translation>Energie</translation>
        </message>
        <message>
            <source>Locks</source>
            <translation>Sperren</translation>
        </message>
        <message>
            <source>Take {0}</source>
            <translation>Take {0}</translation>
        </message>
        <message>
            <source>C</source>
            <translation>C</translation>
        </message>
        <message>
            <source>C#</source>
            <translation>Cis</translation>
        </message>
        <message>
            <source>Db</source>
            <translation>Des</translation>
        </message>
        <message>
            <source>D</source>
            <translation>D</translation>
        </message>
        <message>
            <source>D#</source>
            <translation>Dis</translation>
        </message>
        <message>
            <source>Eb</source>
            <translation>Es</translation>
        </message>
        <message>
            <source>E</source>
            <translation>E</translation>
        </message>
        <message>
            <source>F</source>
            <translation>F</translation>
        </message>
        <message>
            <source>F#</source>
            <translation>Fis</translation>
        </message>
        <message>
            <source>Gb</source>
            <translation>Ges</translation>
        </message>
        <message>
            <source>G</source>
            <translation>G</translation>
        </message>
        <message>
            <source>G#</source>
            <translation>Gis</translation>
        </message>
        <message>
            <source>Ab</source>
            <translation>As</translation>
        </message>
        <message>
            <source>A</source>
            <translation>A</translation>
        </message>
        <message>
            <source>A#</source>
            <translation>Ais</translation>
        </message>
        <message>
            <source>Bb</source>
            <translation>B</translation>
        </message>
        <message>
            <source>B</source>
            <translation>H</translation>
        </message>
        <message>
            <source>Cb</source>
            <translation>Ces</translation>
        </message>
        <message>
            <source>{0} major</source>
            <translation>{0}-Dur</translation>
        </message>
        <message>
            <source>{0} minor</source>
            <translation>{0}-Moll</translation>
        </message>
    </context>
    <context>
        <name>ActionPanel</name>
        <message>
            <source>Progress</source>
            <translation>Fortschritt</translation>
        </message>
        <message>
            <source>Everything else that can be done</source>
            <translation>Was sonst noch möglich ist</translation>
        </message>
        <message>
            <source>The timeline has changed. The music stays where the picture stayed.</source>
            <translation>Die Timeline hat sich geändert. Die Musik bleibt, wo das Bild geblieben ist.</translation>
        </message>
        <message>
            <source>shot {0}</source>
            <translation>Shot {0}</translation>
        </message>
        <message>
            <source>shots {0}–{1}</source>
            <translation>Shots {0}–{1}</translation>
        </message>
        <message>
            <source>Open …</source>
            <translation>Öffnen …</translation>
        </message>
        <message>
            <source>Reading …</source>
            <translation>Wird gelesen …</translation>
        </message>
        <message>
            <source>Looking at the picture …</source>
            <translation>Bild wird angesehen …</translation>
        </message>
        <message>
            <source>Score</source>
            <translation>Vertonen</translation>
        </message>
        <message>
            <source>Regenerate {0}</source>
            <translation>{0} neu erzeugen</translation>
        </message>
        <message>
            <source>Re-conform</source>
            <translation>Neuem Schnitt folgen</translation>
        </message>
        <message>
            <source>Insert into {0}</source>
            <translation>In {0} einsetzen</translation>
        </message>
        <message>
            <source>Export</source>
            <translation>Exportieren</translation>
        </message>
        <message>
            <source>Stop</source>
            <translation>Stopp</translation>
        </message>
        <message>
            <source>Reading</source>
            <translation>Lesen</translation>
        </message>
        <message>
            <source>Looking at the picture</source>
            <translation>Bild ansehen</translation>
        </message>
        <message>
            <source>Writing the music</source>
            <translation>Musik schreiben</translation>
        </message>
        <message>
            <source>Playing the instruments</source>
            <translation>Instrumente spielen</translation>
        </message>
        <message>
            <source>Writing the files</source>
            <translation>Dateien schreiben</translation>
        </message>
        <message>
            <source>Loading the model</source>
            <translation>Modell laden</translation>
        </message>
        <message>
            <source>about {0} s left</source>
            <translation>noch etwa {0} s</translation>
        </message>
        <message>
            <source>about {0} min left</source>
            <translation>noch etwa {0} min</translation>
        </message>
    </context>
    <context>
        <name>Banner</name>
        <message>
            <source>Details</source>
            <translation>Details</translation>
        </message>
        <message>
            <source>Copy</source>
            <translation>Kopieren</translation>
        </message>
        <message>
            <source>Close this message</source>
            <translation>Diese Meldung schließen</translation>
        </message>
        <message>
            <source>What lies behind it</source>
            <translation>Was dahintersteckt</translation>
        </message>
    </context>
    <context>
        <name>CombineTable</name>
        <message>
            <source>Combine bars of takes</source>
            <translation>Takte mehrerer Takes kombinieren</translation>
        </message>
        <message>
            <source>Make this take</source>
            <translation>Take erstellen</translation>
        </message>
        <message>
            <source>Bar {0} from {1}.</source>
            <translation>Takt {0} aus {1}.</translation>
        </message>
        <message>
            <source>Give each bar to a take: click, drag, or arrow keys.</source>
            <translation>Jeden Takt einem Take geben: klicken, ziehen oder Pfeiltasten.</translation>
        </message>
    </context>
    <context>
        <name>Controller</name>
        <message>
            <source>Stopped; the session is as it was.</source>
            <translation>Gestoppt; die Sitzung ist, wie sie war.</translation>
        </message>
        <message>
            <source>spot</source>
            <translation>Cue anlegen</translation>
        </message>
        <message>
            <source>Something went wrong inside: {0}</source>
            <translation>Intern ist etwas schiefgegangen: {0}</translation>
        </message>
    </context>
    <context>
        <name>DemoFilm</name>
        <message>
            <source>The demo film could not be made (code {0}).</source>
            <translation>Der Demofilm konnte nicht erstellt werden (Code {0}).</translation>
        </message>
        <message>
            <source>The demo film could not be made: {0}</source>
            <translation>Der Demofilm konnte nicht erstellt werden: {0}</translation>
        </message>
    </context>
    <context>
        <name>DoctorDialog</name>
        <message>
            <source>What is wrong?</source>
            <translation>Was stimmt nicht?</translation>
        </message>
        <message>
            <source>Looking …</source>
            <translation>Wird geprüft …</translation>
        </message>
        <message>
            <source>State</source>
            <translation>Zustand</translation>
        </message>
        <message>
            <source>What</source>
            <translation>Was</translation>
        </message>
        <message>
            <source>Found</source>
            <translation>Gefunden</translation>
        </message>
        <message>
            <source>What to do</source>
            <translation>Abhilfe</translation>
        </message>
        <message>
            <source>Findings</source>
            <translation>Befunde</translation>
        </message>
        <message>
            <source>Copy</source>
            <translation>Kopieren</translation>
        </message>
        <message>
            <source>Run `shotscore doctor` in a terminal: it is not at hand here.</source>
            <translation>Bitte `shotscore doctor` in einem Terminal starten: Hier ist er nicht greifbar.</translation>
        </message>
        <message>
            <source>The doctor does not start: {0}</source>
            <translation>Die Prüfung startet nicht: {0}</translation>
        </message>
        <message>
            <source>The doctor gave no answer.</source>
            <translation>Die Prüfung gab keine Antwort.</translation>
        </message>
        <message>
            <source>works</source>
            <translation>geht</translation>
        </message>
        <message>
            <source>limited</source>
            <translation>eingeschränkt</translation>
        </message>
        <message>
            <source>broken</source>
            <translation>defekt</translation>
        </message>
        <message>
            <source>Cannot score until this is mended: {0}.</source>
            <translation>Vertonen geht erst, wenn dies behoben ist: {0}.</translation>
        </message>
        <message>
            <source>Everything needed works; limited: {0}.</source>
            <translation>Alles Nötige geht; eingeschränkt: {0}.</translation>
        </message>
        <message>
            <source>Everything works.</source>
            <translation>Alles geht.</translation>
        </message>
    </context>
    <context>
        <name>DragHandle</name>
        <message>
            <source>Drag the stem out, onto a track or a folder</source>
            <translation>Stem herausziehen, auf eine Spur oder in einen Ordner</translation>
        </message>
        <message>
            <source>Drag the stem out</source>
            <translation>Stem herausziehen</translation>
        </message>
    </context>
    <context>
        <name>EditorLink</name>
        <message>
            <source>The music is in {0}.</source>
            <translation>Die Musik ist in {0}.</translation>
        </message>
        <message>
            <source>The music is out of {0} again.</source>
            <translation>Die Musik ist aus {0} wieder entfernt.</translation>
        </message>
    </context>
    <context>
        <name>Edits</name>
        <message>
            <source>move a hit</source>
            <translation>Hitpoint verschieben</translation>
        </message>
        <message>
            <source>weigh a hit</source>
            <translation>Hitpoint gewichten</translation>
        </message>
        <message>
            <source>add a hit</source>
            <translation>Hitpoint setzen</translation>
        </message>
        <message>
            <source>mute a hit</source>
            <translation>Hitpoint abschalten</translation>
        </message>
        <message>
            <source>unmute a hit</source>
            <translation>Hitpoint einschalten</translation>
        </message>
        <message>
            <source>use take {0}</source>
            <translation>Take {0} verwenden</translation>
        </message>
        <message>
            <source>star take {0}</source>
            <translation>Take {0} mit Stern</translation>
        </message>
        <message>
            <source>rename take {0}</source>
            <translation>Take {0} umbenennen</translation>
        </message>
        <message>
            <source>delete take {0}</source>
            <translation>Take {0} löschen</translation>
        </message>
        <message>
            <source>combine takes</source>
            <translation>Takes kombinieren</translation>
        </message>
        <message>
            <source>lock {0}</source>
            <translation>{0} sperren</translation>
        </message>
        <message>
            <source>unlock {0}</source>
            <translation>{0} entsperren</translation>
        </message>
        <message>
            <source>another instrument for {0}</source>
            <translation>anderes Instrument für {0}</translation>
        </message>
    </context>
    <context>
        <name>ExportDialog</name>
        <message>
            <source>Export</source>
            <translation>Exportieren</translation>
        </message>
        <message>
            <source>Formats</source>
            <translation>Formate</translation>
        </message>
        <message>
            <source>Folder</source>
            <translation>Ordner</translation>
        </message>
        <message>
            <source>What to write</source>
            <translation>Was geschrieben wird</translation>
        </message>
    </context>
    <context>
        <name>FirstPage</name>
        <message>
            <source>Music that follows your cut</source>
            <translation>Musik, die dem Schnitt folgt</translation>
        </message>
        <message>
            <source>Shotscore reads your timeline, finds the tempo that lands on its cuts and writes the music to it.</source>
            <translation>Shotscore liest die Timeline, findet das Tempo, das auf ihre Schnitte fällt, und schreibt die Musik dazu.</translation>
        </message>
        <message>
            <source>Open a timeline or video…</source>
            <translation>Timeline oder Video öffnen …</translation>
        </message>
        <message>
            <source>Read the timeline from {0}</source>
            <translation>Timeline aus {0} lesen</translation>
        </message>
        <message>
            <source>Try it with a demo film</source>
            <translation>Mit einem Demofilm ausprobieren</translation>
        </message>
        <message>
            <source>Opened before</source>
            <translation>Zuletzt geöffnet</translation>
        </message>
        <message>
            <source>… or drop one here: OpenTimelineIO, EDL, FCPXML, AAF, Kdenlive, MLT, or any video.</source>
            <translation>… oder hier ablegen: OpenTimelineIO, EDL, FCPXML, AAF, Kdenlive, MLT oder ein beliebiges Video.</translation>
        </message>
        <message>
            <source>1  Open</source>
            <translation>1  Öffnen</translation>
        </message>
        <message>
            <source>2  Score</source>
            <translation>2  Vertonen</translation>
        </message>
        <message>
            <source>3  Listen</source>
            <translation>3  Anhören</translation>
        </message>
    </context>
    <context>
        <name>Hearing</name>
        <message>
            <source>Take {0} is not rendered yet; use it to hear it.</source>
            <translation>Take {0} ist noch nicht gerendert; verwenden, um ihn zu hören.</translation>
        </message>
    </context>
    <context>
        <name>Inspector</name>
        <message>
            <source>Mood</source>
            <translation>Stimmung</translation>
        </message>
        <message>
            <source>Words for the music, such as: a lonely piano at night</source>
            <translation>Worte für die Musik, etwa: a lonely piano at night</translation>
        </message>
        <message>
            <source>Words</source>
            <translation>Worte</translation>
        </message>
        <message>
            <source>From the picture</source>
            <translation>Aus dem Bild</translation>
        </message>
        <message>
            <source>Describe the shots as the picture does</source>
            <translation>Die Shots beschreiben, wie das Bild es tut</translation>
        </message>
        <message>
            <source>Music</source>
            <translation>Musik</translation>
        </message>
        <message>
            <source>Energy</source>
            <translation>Energie</translation>
        </message>
        <message>
            <source>still</source>
            <translation>still</translation>
        </message>
        <message>
            <source>full</source>
            <translation>voll</translation>
        </message>
        <message>
            <source>Density</source>
            <translation>Dichte</translation>
        </message>
        <message>
            <source>few notes</source>
            <translation>wenige Töne</translation>
        </message>
        <message>
            <source>many notes</source>
            <translation>viele Töne</translation>
        </message>
        <message>
            <source>Rings out</source>
            <translation>Klingt aus</translation>
        </message>
        <message>
            <source>Stops on the last accent</source>
            <translation>Endet auf dem letzten Akzent</translation>
        </message>
        <message>
            <source>Fades</source>
            <translation>Blendet aus</translation>
        </message>
        <message>
            <source>Make room for speech</source>
            <translation>Sprache Raum geben</translation>
        </message>
        <message>
            <source>Silence here</source>
            <translation>Hier Stille</translation>
        </message>
        <message>
            <source>No music in the selected shots</source>
            <translation>Keine Musik in den ausgewählten Shots</translation>
        </message>
        <message>
            <source>Style</source>
            <translation>Stil</translation>
        </message>
        <message>
            <source>Key</source>
            <translation>Tonart</translation>
        </message>
        <message>
            <source>Ending</source>
            <translation>Schluss</translation>
        </message>
        <message>
            <source>Tempo</source>
            <translation>Tempo</translation>
        </message>
        <message>
            <source>BPM</source>
            <translation>BPM</translation>
        </message>
        <message>
            <source>Meter</source>
            <translation>Takt</translation>
        </message>
        <message>
            <source>✓ Met</source>
            <translation>✓ Treffer</translation>
        </message>
        <message>
            <source>≈ Near</source>
            <translation>≈ Fast</translation>
        </message>
        <message>
            <source>✗ Miss</source>
            <translation>✗ Fehl</translation>
        </message>
        <message>
            <source>Tempi by how many hits they meet, best first</source>
            <translation>Tempi nach getroffenen Hitpoints, das beste zuerst</translation>
        </message>
        <message>
            <source>Best for the hits</source>
            <translation>Bestes für die Hitpoints</translation>
        </message>
        <message>
            <source>Hear it as a click</source>
            <translation>Als Klick anhören</translation>
        </message>
        <message>
            <source>Variation</source>
            <translation>Variation</translation>
        </message>
        <message>
            <source>slightly different</source>
            <translation>etwas anders</translation>
        </message>
        <message>
            <source>new</source>
            <translation>neu</translation>
        </message>
        <message>
            <source>How many versions are written at once</source>
            <translation>Wie viele Fassungen zugleich geschrieben werden</translation>
        </message>
        <message>
            <source>A new one each time</source>
            <translation>Jedes Mal ein neuer</translation>
        </message>
        <message>
            <source>The same seed and choices write the same notes</source>
            <translation>Gleicher Startwert und gleiche Wahl ergeben dieselben Töne</translation>
        </message>
        <message>
            <source>Takes</source>
            <translation>Takes</translation>
        </message>
        <message>
            <source>Seed</source>
            <translation>Startwert</translation>
        </message>
        <message>
            <source>Advanced</source>
            <translation>Erweitert</translation>
        </message>
        <message>
            <source>Which features steer the noise when: words first, then the picture, or other</source>
            <translation>Was das Rauschen wann lenkt: erst die Worte, dann das Bild, oder anders</translation>
        </message>
        <message>
            <source>The timestep (1000 is noise) at which the second feature takes over</source>
            <translation>Der Zeitschritt (1000 ist Rauschen), ab dem das zweite Merkmal übernimmt</translation>
        </message>
        <message>
            <source>How far a beat looks: windows of k beats, of the shots, or to the cuts</source>
            <translation>Wie weit ein Schlag sieht: Fenster aus k Schlägen, der Shots oder bis zu den Schnitten</translation>
        </message>
        <message>
            <source>Beats in a window, for the fixed mask</source>
            <translation>Schläge in einem Fenster, für die feste Maske</translation>
        </message>
        <message>
            <source>Denoising steps: more take longer</source>
            <translation>Entrauschungsschritte: mehr dauern länger</translation>
        </message>
        <message>
            <source>How strongly the picture steers; 1 is no extra push</source>
            <translation>Wie stark das Bild lenkt; 1 ist ohne Nachdruck</translation>
        </message>
        <message>
            <source>Features</source>
            <translation>Merkmale</translation>
        </message>
        <message>
            <source>Switch at</source>
            <translation>Wechsel bei</translation>
        </message>
        <message>
            <source>Mask</source>
            <translation>Maske</translation>
        </message>
        <message>
            <source>k</source>
            <translation>k</translation>
        </message>
        <message>
            <source>Steps</source>
            <translation>Schritte</translation>
        </message>
        <message>
            <source>Guidance</source>
            <translation>Lenkung</translation>
        </message>
        <message>
            <source>Words for the music</source>
            <translation>Worte für die Musik</translation>
        </message>
        <message>
            <source>Tempi, best first</source>
            <translation>Tempi, das beste zuerst</translation>
        </message>
        <message>
            <source>Tempo in beats a minute</source>
            <translation>Tempo in Schlägen pro Minute</translation>
        </message>
        <message>
            <source>Number of takes</source>
            <translation>Anzahl der Takes</translation>
        </message>
        <message>
            <source>Feature selector</source>
            <translation>Merkmalswahl</translation>
        </message>
        <message>
            <source>Switch step</source>
            <translation>Wechselschritt</translation>
        </message>
        <message>
            <source>Attention mask</source>
            <translation>Aufmerksamkeitsmaske</translation>
        </message>
        <message>
            <source>Window length k</source>
            <translation>Fensterlänge k</translation>
        </message>
        <message>
            <source>Denoising steps</source>
            <translation>Entrauschungsschritte</translation>
        </message>
        <message>
            <source>Nothing to score yet</source>
            <translation>Noch nichts zu vertonen</translation>
        </message>
        <message>
            <source>Cue {0}</source>
            <translation>Cue {0}</translation>
        </message>
        <message>
            <source>The whole cue. Select shots to change only a part.</source>
            <translation>Der ganze Cue. Shots auswählen, um nur einen Teil zu ändern.</translation>
        </message>
        <message>
            <source>One shot is read.</source>
            <translation>Ein Shot ist eingelesen.</translation>
        </message>
        <message>
            <source>{0} shots are read.</source>
            <translation>{0} Shots sind eingelesen.</translation>
        </message>
        <message>
            <source>Change what you like, then score.</source>
            <translation>Nach Wunsch ändern, dann vertonen.</translation>
        </message>
        <message>
            <source>Shot {0}</source>
            <translation>Shot {0}</translation>
        </message>
        <message>
            <source>Shots {0}–{1}</source>
            <translation>Shots {0}–{1}</translation>
        </message>
        <message>
            <source>Only these change; the music around them stays.</source>
            <translation>Nur diese ändern sich; die Musik ringsum bleibt.</translation>
        </message>
    </context>
    <context>
        <name>Jobs</name>
        <message>
            <source>crashed</source>
            <translation>ist abgestürzt</translation>
        </message>
        <message>
            <source>ended with code {0}</source>
            <translation>endete mit Code {0}</translation>
        </message>
        <message>
            <source>The worker process {0} while it was at work ({1}). Nothing is lost: the session is as it was. Try again; if it happens again, choose the processor as the device in the settings.</source>
            <translation>Der Arbeitsprozess {0}, während er an der Arbeit war ({1}). Nichts ist verloren: Die Sitzung ist, wie sie war. Noch einmal versuchen; geschieht es wieder, in den Einstellungen den Prozessor als Gerät wählen.</translation>
        </message>
        <message>
            <source>It left no message.</source>
            <translation>Er hinterließ keine Meldung.</translation>
        </message>
        <message>
            <source>The worker process does not start; reinstall Shotscore.</source>
            <translation>Der Arbeitsprozess startet nicht; Shotscore neu installieren.</translation>
        </message>
        <message>
            <source>The worker process does not start: {0}</source>
            <translation>Der Arbeitsprozess startet nicht: {0}</translation>
        </message>
    </context>
    <context>
        <name>KeysDialog</name>
        <message>
            <source>Keys</source>
            <translation>Tasten</translation>
        </message>
        <message>
            <source>Key</source>
            <translation>Taste</translation>
        </message>
        <message>
            <source>Does</source>
            <translation>Wirkung</translation>
        </message>
    </context>
    <context>
        <name>Level</name>
        <message>
            <source>Auto</source>
            <translation>Auto</translation>
        </message>
        <message>
            <source>{0}: from the picture</source>
            <translation>{0}: aus dem Bild</translation>
        </message>
        <message>
            <source>Let the picture decide</source>
            <translation>Das Bild entscheiden lassen</translation>
        </message>
        <message>
            <source>{0}, from {1} to {2}</source>
            <translation>{0}, von {1} bis {2}</translation>
        </message>
    </context>
    <context>
        <name>MainWindow</name>
        <message>
            <source>Inspector</source>
            <translation>Inspektor</translation>
        </message>
        <message>
            <source>Player</source>
            <translation>Player</translation>
        </message>
        <message>
            <source>Takes</source>
            <translation>Takes</translation>
        </message>
        <message>
            <source>Mixer</source>
            <translation>Mischpult</translation>
        </message>
        <message>
            <source>Open a timeline or video</source>
            <translation>Timeline oder Video öffnen</translation>
        </message>
        <message>
            <source>Timelines and videos ({0})</source>
            <translation>Timelines und Videos ({0})</translation>
        </message>
        <message>
            <source>All files (*)</source>
            <translation>Alle Dateien (*)</translation>
        </message>
        <message>
            <source>The demo film is being drawn …</source>
            <translation>Der Demofilm wird gezeichnet …</translation>
        </message>
        <message>
            <source>{0} of {1} hits on a beat</source>
            <translation>{0} von {1} Hitpoints auf einem Schlag</translation>
        </message>
        <message>
            <source>take {0}</source>
            <translation>Take {0}</translation>
        </message>
        <message>
            <source>1 hit</source>
            <translation>1 Hitpoint</translation>
        </message>
        <message>
            <source>{0} hits</source>
            <translation>{0} Hitpoints</translation>
        </message>
        <message>
            <source>Default layout</source>
            <translation>Standardanordnung</translation>
        </message>
        <message>
            <source>Keys …</source>
            <translation>Tasten …</translation>
        </message>
    </context>
    <context>
        <name>Meters</name>
        <message>
            <source>hits {0}/{1}</source>
            <translation>Hits {0}/{1}</translation>
        </message>
        <message>
            <source>energy {0}</source>
            <translation>Energie {0}</translation>
        </message>
        <message>
            <source>{0} notes/s</source>
            <translation>{0} Töne/s</translation>
        </message>
    </context>
    <context>
        <name>Mixer</name>
        <message>
            <source>Piano</source>
            <translation>Klavier</translation>
        </message>
        <message>
            <source>Chromatic percussion</source>
            <translation>Stabspiele</translation>
        </message>
        <message>
            <source>Organ</source>
            <translation>Orgel</translation>
        </message>
        <message>
            <source>Guitar</source>
            <translation>Gitarre</translation>
        </message>
        <message>
            <source>Bass</source>
            <translation>Bass</translation>
        </message>
        <message>
            <source>Strings</source>
            <translation>Streicher</translation>
        </message>
        <message>
            <source>Ensemble</source>
            <translation>Ensemble</translation>
        </message>
        <message>
            <source>Brass</source>
            <translation>Blechbläser</translation>
        </message>
        <message>
            <source>Reed</source>
            <translation>Rohrblatt</translation>
        </message>
        <message>
            <source>Pipe</source>
            <translation>Flöten</translation>
        </message>
        <message>
            <source>Synth lead</source>
            <translation>Synth-Lead</translation>
        </message>
        <message>
            <source>Synth pad</source>
            <translation>Synth-Pad</translation>
        </message>
        <message>
            <source>Synth effects</source>
            <translation>Synth-Effekte</translation>
        </message>
        <message>
            <source>World</source>
            <translation>Weltmusik</translation>
        </message>
        <message>
            <source>Percussive</source>
            <translation>Schlagwerk</translation>
        </message>
        <message>
            <source>Sound effects</source>
            <translation>Geräusche</translation>
        </message>
        <message>
            <source>Drum kit</source>
            <translation>Schlagzeug</translation>
        </message>
        <message>
            <source>Mixer</source>
            <translation>Mischpult</translation>
        </message>
        <message>
            <source>The stems appear here once the cue is scored.</source>
            <translation>Die Stems erscheinen hier, sobald der Cue vertont ist.</translation>
        </message>
    </context>
    <context>
        <name>MixerDock</name>
        <message>
            <source>Drag the MIDI file to another program</source>
            <translation>Die MIDI-Datei in ein anderes Programm ziehen</translation>
        </message>
        <message>
            <source>Drag the mix to another program</source>
            <translation>Die Mischung in ein anderes Programm ziehen</translation>
        </message>
        <message>
            <source>Drag out:</source>
            <translation>Herausziehen:</translation>
        </message>
        <message>
            <source>MIDI</source>
            <translation>MIDI</translation>
        </message>
        <message>
            <source>Mix</source>
            <translation>Mischung</translation>
        </message>
        <message>
            <source>Show the folder of the music</source>
            <translation>Ordner der Musik zeigen</translation>
        </message>
    </context>
    <context>
        <name>MoodPad</name>
        <message>
            <source>Mood</source>
            <translation>Stimmung</translation>
        </message>
        <message>
            <source>tense</source>
            <translation>gespannt</translation>
        </message>
        <message>
            <source>joyful</source>
            <translation>freudig</translation>
        </message>
        <message>
            <source>sorrowful</source>
            <translation>betrübt</translation>
        </message>
        <message>
            <source>serene</source>
            <translation>gelöst</translation>
        </message>
        <message>
            <source>excited</source>
            <translation>erregt</translation>
        </message>
        <message>
            <source>calm</source>
            <translation>ruhig</translation>
        </message>
        <message>
            <source>sad</source>
            <translation>traurig</translation>
        </message>
        <message>
            <source>glad</source>
            <translation>froh</translation>
        </message>
        <message>
            <source>valence {0}   arousal {1}</source>
            <translation>Valenz {0}   Erregung {1}</translation>
        </message>
        <message>
            <source>yours</source>
            <translation>eigene</translation>
        </message>
        <message>
            <source>from the picture</source>
            <translation>aus dem Bild</translation>
        </message>
        <message>
            <source>Valence {0}, arousal {1}; {2}.</source>
            <translation>Valenz {0}, Erregung {1}; {2}.</translation>
        </message>
        <message>
            <source>set by you</source>
            <translation>selbst gesetzt</translation>
        </message>
        <message>
            <source>read from the picture</source>
            <translation>aus dem Bild gelesen</translation>
        </message>
    </context>
    <context>
        <name>PathField</name>
        <message>
            <source>Choose: {0}</source>
            <translation>Auswählen: {0}</translation>
        </message>
    </context>
    <context>
        <name>PianoRoll</name>
        <message>
            <source>Piano roll</source>
            <translation>Pianorolle</translation>
        </message>
        <message>
            <source>No take yet</source>
            <translation>Noch kein Take</translation>
        </message>
        <message>
            <source>This take is silent</source>
            <translation>Dieser Take ist still</translation>
        </message>
        <message>
            <source>forming, {0}</source>
            <translation>entsteht, {0}</translation>
        </message>
        <message>
            <source>No take yet.</source>
            <translation>Noch kein Take.</translation>
        </message>
        <message>
            <source>{0} notes of {1}</source>
            <translation>{0} Töne: {1}</translation>
        </message>
        <message>
            <source>Forming.</source>
            <translation>Entsteht.</translation>
        </message>
    </context>
    <context>
        <name>Player</name>
        <message>
            <source>No sound device here: nothing is heard.</source>
            <translation>Kein Tongerät: Es ist nichts zu hören.</translation>
        </message>
        <message>
            <source>The picture is being prepared.</source>
            <translation>Das Bild wird vorbereitet.</translation>
        </message>
        <message>
            <source>Timecode of the playhead</source>
            <translation>Timecode der Abspielposition</translation>
        </message>
        <message>
            <source>To the start</source>
            <translation>Zum Anfang</translation>
        </message>
        <message>
            <source>Home</source>
            <translation>Pos1</translation>
        </message>
        <message>
            <source>Play backwards</source>
            <translation>Rückwärts abspielen</translation>
        </message>
        <message>
            <source>Play</source>
            <translation>Abspielen</translation>
        </message>
        <message>
            <source>Space, L</source>
            <translation>Leertaste, L</translation>
        </message>
        <message>
            <source>Loop the selection</source>
            <translation>Auswahl als Schleife</translation>
        </message>
        <message>
            <source>The film's own sound</source>
            <translation>Originalton</translation>
        </message>
        <message>
            <source>Music steps back under speech</source>
            <translation>Musik tritt unter Sprache zurück</translation>
        </message>
        <message>
            <source>Volume of the music</source>
            <translation>Lautstärke der Musik</translation>
        </message>
        <message>
            <source>Volume of the film's own sound</source>
            <translation>Lautstärke des Originaltons</translation>
        </message>
        <message>
            <source>Pause</source>
            <translation>Pause</translation>
        </message>
        <message>
            <source>The sound device does not start: nothing is heard.</source>
            <translation>Das Tongerät startet nicht: Es ist nichts zu hören.</translation>
        </message>
        <message>
            <source>The sound device does not answer: nothing is heard.</source>
            <translation>Das Tongerät antwortet nicht: Es ist nichts zu hören.</translation>
        </message>
        <message>
            <source>The picture cannot be shown here ({0}); the music plays all the same.</source>
            <translation>Das Bild lässt sich hier nicht zeigen ({0}); die Musik spielt trotzdem.</translation>
        </message>
    </context>
    <context>
        <name>Scoring</name>
        <message>
            <source>the editor</source>
            <translation>das Schnittprogramm</translation>
        </message>
        <message>
            <source>Score the whole cue again</source>
            <translation>Ganzen Cue neu vertonen</translation>
        </message>
        <message>
            <source>Regenerate the selected shots</source>
            <translation>Ausgewählte Shots neu erzeugen</translation>
        </message>
        <message>
            <source>Regenerate every shot</source>
            <translation>Alle Shots neu erzeugen</translation>
        </message>
        <message>
            <source>Re-conform to the timeline as it is now</source>
            <translation>Der Timeline folgen, wie sie jetzt ist</translation>
        </message>
        <message>
            <source>Re-conform to another timeline …</source>
            <translation>Einer anderen Timeline folgen …</translation>
        </message>
        <message>
            <source>Insert into {0}</source>
            <translation>In {0} einsetzen</translation>
        </message>
        <message>
            <source>Take the music out of it again</source>
            <translation>Die Musik wieder herausnehmen</translation>
        </message>
        <message>
            <source>Export …</source>
            <translation>Exportieren …</translation>
        </message>
        <message>
            <source>Scoring {0}</source>
            <translation>{0} wird vertont</translation>
        </message>
        <message>
            <source>Regenerating</source>
            <translation>Wird neu erzeugt</translation>
        </message>
        <message>
            <source>The recut timeline</source>
            <translation>Die neu geschnittene Timeline</translation>
        </message>
        <message>
            <source>1 file written</source>
            <translation>1 Datei geschrieben</translation>
        </message>
        <message>
            <source>{0} files written</source>
            <translation>{0} Dateien geschrieben</translation>
        </message>
    </context>
    <context>
        <name>Screen</name>
        <message>
            <source>Picture</source>
            <translation>Bild</translation>
        </message>
    </context>
    <context>
        <name>SettingsDialog</name>
        <message>
            <source>Settings</source>
            <translation>Einstellungen</translation>
        </message>
        <message>
            <source>As the system</source>
            <translation>Wie das System</translation>
        </message>
        <message>
            <source>Dark</source>
            <translation>Dunkel</translation>
        </message>
        <message>
            <source>Light</source>
            <translation>Hell</translation>
        </message>
        <message>
            <source>The fastest there is</source>
            <translation>Das schnellste vorhandene</translation>
        </message>
        <message>
            <source>NVIDIA graphics card (CUDA)</source>
            <translation>NVIDIA-Grafikkarte (CUDA)</translation>
        </message>
        <message>
            <source>Apple (Core ML)</source>
            <translation>Apple (Core ML)</translation>
        </message>
        <message>
            <source>The processor</source>
            <translation>Der Prozessor</translation>
        </message>
        <message>
            <source>Model</source>
            <translation>Modell</translation>
        </message>
        <message>
            <source>The one that comes with Shotscore</source>
            <translation>Das mitgelieferte</translation>
        </message>
        <message>
            <source>Instruments</source>
            <translation>Instrumente</translation>
        </message>
        <message>
            <source>The best ones found</source>
            <translation>Die besten gefundenen</translation>
        </message>
        <message>
            <source>-23 for broadcast, -14 for the web</source>
            <translation>-23 für Rundfunk, -14 fürs Web</translation>
        </message>
        <message>
            <source>Play new music at once</source>
            <translation>Neue Musik sofort abspielen</translation>
        </message>
        <message>
            <source>Folder of the music</source>
            <translation>Ordner der Musik</translation>
        </message>
        <message>
            <source>Appearance</source>
            <translation>Erscheinungsbild</translation>
        </message>
        <message>
            <source>Device</source>
            <translation>Gerät</translation>
        </message>
        <message>
            <source>Loudness of the mix</source>
            <translation>Lautheit der Mischung</translation>
        </message>
    </context>
    <context>
        <name>SourceBar</name>
        <message>
            <source>Bar</source>
            <translation>Leiste</translation>
        </message>
        <message>
            <source>Open a timeline or video</source>
            <translation>Timeline oder Video öffnen</translation>
        </message>
        <message>
            <source>What is wrong?</source>
            <translation>Was stimmt nicht?</translation>
        </message>
        <message>
            <source>Read the picture again</source>
            <translation>Bild neu einlesen</translation>
        </message>
        <message>
            <source>Undo</source>
            <translation>Rückgängig</translation>
        </message>
        <message>
            <source>Redo</source>
            <translation>Wiederholen</translation>
        </message>
        <message>
            <source>Loading …</source>
            <translation>Wird geladen …</translation>
        </message>
        <message>
            <source>Model and device</source>
            <translation>Modell und Gerät</translation>
        </message>
        <message>
            <source>Settings</source>
            <translation>Einstellungen</translation>
        </message>
        <message>
            <source>Panels and keys</source>
            <translation>Fenster und Tasten</translation>
        </message>
        <message>
            <source>Nothing is open</source>
            <translation>Nichts geöffnet</translation>
        </message>
        <message>
            <source>connected</source>
            <translation>verbunden</translation>
        </message>
        <message>
            <source>not connected</source>
            <translation>nicht verbunden</translation>
        </message>
        <message>
            <source>A newer version lies beside it: {0}</source>
            <translation>Daneben liegt eine neuere Fassung: {0}</translation>
        </message>
        <message>
            <source>The timeline has changed since</source>
            <translation>Die Timeline hat sich seitdem geändert</translation>
        </message>
        <message>
            <source>The timeline's file is gone; the session is whole</source>
            <translation>Die Datei der Timeline fehlt; die Sitzung ist vollständig</translation>
        </message>
        <message>
            <source>1 shot</source>
            <translation>1 Shot</translation>
        </message>
        <message>
            <source>{0} shots</source>
            <translation>{0} Shots</translation>
        </message>
        <message>
            <source>Processor</source>
            <translation>Prozessor</translation>
        </message>
    </context>
    <context>
        <name>StemStrip</name>
        <message>
            <source>M</source>
            <translation>M</translation>
        </message>
        <message>
            <source>S</source>
            <translation>S</translation>
        </message>
        <message>
            <source>{0}: {1} notes, from {2}</source>
            <translation>{0}: {1} Töne, aus {2}</translation>
        </message>
        <message>
            <source>Instrument of {0}: {1}</source>
            <translation>Instrument von {0}: {1}</translation>
        </message>
        <message>
            <source>Mute {0}</source>
            <translation>{0} stummschalten</translation>
        </message>
        <message>
            <source>Solo {0}</source>
            <translation>{0} solo</translation>
        </message>
        <message>
            <source>Lock {0}: it stays when the rest is made anew</source>
            <translation>{0} sperren: bleibt, wenn der Rest neu entsteht</translation>
        </message>
        <message>
            <source>Gain of {0}</source>
            <translation>Pegel von {0}</translation>
        </message>
        <message>
            <source>{0} dB</source>
            <translation>{0} dB</translation>
        </message>
    </context>
    <context>
        <name>TakeCard</name>
        <message>
            <source>Name of the take</source>
            <translation>Name des Takes</translation>
        </message>
        <message>
            <source>Star</source>
            <translation>Stern</translation>
        </message>
        <message>
            <source>Play this take</source>
            <translation>Diesen Take abspielen</translation>
        </message>
        <message>
            <source>More</source>
            <translation>Mehr</translation>
        </message>
        <message>
            <source>Take {0}, seed {1}. F2 renames it.</source>
            <translation>Take {0}, Startwert {1}. F2 benennt ihn um.</translation>
        </message>
        <message>
            <source>in use</source>
            <translation>verwendet</translation>
        </message>
        <message>
            <source>of an earlier cut or range</source>
            <translation>von früherem Schnitt oder Bereich</translation>
        </message>
        <message>
            <source>take {0}, shot {1} anew</source>
            <translation>Take {0}, Shot {1} neu</translation>
        </message>
        <message>
            <source>take {0}, shots {1}–{2} anew</source>
            <translation>Take {0}, Shots {1}–{2} neu</translation>
        </message>
        <message>
            <source>combined, on take {0}</source>
            <translation>kombiniert, auf Take {0}</translation>
        </message>
        <message>
            <source>take {0} after the recut</source>
            <translation>Take {0} nach neuem Schnitt</translation>
        </message>
        <message>
            <source>take {0}, another range</source>
            <translation>Take {0}, anderer Bereich</translation>
        </message>
        <message>
            <source>written whole</source>
            <translation>ganz geschrieben</translation>
        </message>
        <message>
            <source>starred</source>
            <translation>mit Stern</translation>
        </message>
        <message>
            <source>{0} of {1} hits met by notes</source>
            <translation>{0} von {1} Hitpoints von Tönen getroffen</translation>
        </message>
        <message>
            <source>energy {0}, {1} notes a second</source>
            <translation>Energie {0}, {1} Töne pro Sekunde</translation>
        </message>
        <message>
            <source>Use this take</source>
            <translation>Diesen Take verwenden</translation>
        </message>
        <message>
            <source>Play</source>
            <translation>Abspielen</translation>
        </message>
        <message>
            <source>Compare with the take in use</source>
            <translation>Mit dem verwendeten Take vergleichen</translation>
        </message>
        <message>
            <source>Remove the star</source>
            <translation>Stern entfernen</translation>
        </message>
        <message>
            <source>Rename …</source>
            <translation>Umbenennen …</translation>
        </message>
        <message>
            <source>Delete</source>
            <translation>Löschen</translation>
        </message>
    </context>
    <context>
        <name>TakeCards</name>
        <message>
            <source>Takes</source>
            <translation>Takes</translation>
        </message>
        <message>
            <source>Compare the chosen take with the one in use</source>
            <translation>Den gewählten Take mit dem verwendeten vergleichen</translation>
        </message>
        <message>
            <source>Hear this one; X switches between them</source>
            <translation>Diesen anhören; X wechselt zwischen beiden</translation>
        </message>
        <message>
            <source>Combine bars of several takes</source>
            <translation>Takte mehrerer Takes kombinieren</translation>
        </message>
        <message>
            <source>Takes appear here once the cue is scored.</source>
            <translation>Takes erscheinen hier, sobald der Cue vertont ist.</translation>
        </message>
        <message>
            <source>Compare</source>
            <translation>Vergleichen</translation>
        </message>
        <message>
            <source>Combine</source>
            <translation>Kombinieren</translation>
        </message>
    </context>
    <context>
        <name>TimelineStrip</name>
        <message>
            <source>Timeline</source>
            <translation>Timeline</translation>
        </message>
        <message>
            <source>Scroll the timeline</source>
            <translation>Timeline rollen</translation>
        </message>
        <message>
            <source>Show more of the film</source>
            <translation>Mehr vom Film zeigen</translation>
        </message>
        <message>
            <source>Show the whole film</source>
            <translation>Ganzen Film zeigen</translation>
        </message>
        <message>
            <source>Show less, larger</source>
            <translation>Weniger zeigen, größer</translation>
        </message>
        <message>
            <source>No picture yet</source>
            <translation>Noch kein Bild</translation>
        </message>
        <message>
            <source>No picture yet.</source>
            <translation>Noch kein Bild.</translation>
        </message>
    </context>
    <context>
        <name>Work</name>
        <message>
            <source>Undone: {0}</source>
            <translation>Rückgängig: {0}</translation>
        </message>
        <message>
            <source>Done again: {0}</source>
            <translation>Wiederholt: {0}</translation>
        </message>
        <message>
            <source>Something is being made; wait for it, or stop it first.</source>
            <translation>Gerade entsteht etwas; abwarten oder zuerst stoppen.</translation>
        </message>
        <message>
            <source>Could not be kept, since the music changed under it: {0}</source>
            <translation>Ließ sich nicht halten, da sich die Musik darunter geändert hat: {0}</translation>
        </message>
    </context>
</TS>
